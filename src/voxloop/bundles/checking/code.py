"""What of a bundle is tied to a machine or a package: paths, GPUs, imports, pickles. Its scripts are parsed, never run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PureWindowsPath
from typing import Any

from voxloop.bundles.checking.components import is_standard
from voxloop.bundles.checking.config import Config
from voxloop.bundles.checking.finding import Finding, found, setting
from voxloop.bundles.checking.targets import TRUSTED, installed
from voxloop.bundles.checking.values import parse

MOST_SCRIPTS = 500
MOST_BYTES = 4 << 20
PLACE = re.compile(r"(dir|path|file|root|folder|images|labels)s?$", re.IGNORECASE)
# What MONAI's own classes import when they are used.
READERS = {
    "ITKReader": "itk",
    "NrrdReader": "nrrd",
    "PydicomReader": "pydicom",
    "NibabelReader": "nibabel",
    "PILReader": "PIL",
}
NEEDS = {
    "SwinUNETR": "einops",
    "UNETR": "einops",
    "ViT": "einops",
    "MLFlowHandler": "mlflow",
}
DISTRIBUTIONS = {
    "itk": "itk",
    "nrrd": "pynrrd",
    "PIL": "pillow",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "cv2": "opencv-python",
    "yaml": "PyYAML",
}


def judge(config: Config, several: bool) -> Iterator[Finding]:
    """`several` says that the config is for several GPUs, which it has to name."""
    yield from _imports(config)
    yield from _readers(config)
    yield from _places(config)
    for key, text in config.texts():
        if text.startswith("$"):
            tree, _ = parse(text[1:])
            if tree is None:
                continue
            if not several and _names_gpu(tree, text):
                yield _gpu(config.name, key, setting(key, text))
            for _ in _unsafe_loads(tree):
                yield _pickle(config.name, key, setting(key, text))
        elif (
            re.fullmatch(r"cuda(:\d+)?", text)
            and not several
            and re.search(r"(^|::)(device|map_location|sw_device)$", key)
        ):
            yield _gpu(config.name, key, setting(key, text))


def _gpu(name: str, key: str | None, said: str) -> Finding:
    return found(
        "fixed_cuda",
        f"{said} takes a GPU without asking whether there is one; write $torch.device('cuda:0' if "
        "torch.cuda.is_available() else 'cpu').",
        name,
        key,
    )


def _pickle(name: str, key: str | None, said: str) -> Finding:
    return found(
        "unsafe_load",
        f"{said} loads a pickle without weights_only=True, which may run what is in it; add weights_only=True.",
        name,
        key,
    )


def _names_gpu(tree: ast.AST, text: str) -> bool:
    if "is_available" in text or re.search(r"rank", text, re.IGNORECASE):
        return False
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute | ast.Name):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        given = [*node.args, *(one.value for one in node.keywords if one.arg in ("device", "map_location"))]
        named = any(isinstance(one, ast.Constant) and re.fullmatch(r"cuda(:\d+)?", str(one.value)) for one in given)
        if (name in ("device", "to", "load", "autocast") and named) or (
            name == "cuda" and isinstance(node.func, ast.Attribute)
        ):
            return True
    return False


def _unsafe_loads(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "load":
            owner = node.func.value
            safe = any(
                one.arg == "weights_only" and isinstance(one.value, ast.Constant) and one.value.value is True
                for one in node.keywords
            )
            if isinstance(owner, ast.Name) and owner.id == "torch" and not safe:
                yield node


def imports(config: Config) -> dict[str, str]:
    """The packages that a config's expressions import, each with the key where it does."""
    packages: dict[str, str] = {}
    for key, text in config.texts():
        tree, _ = parse(text[1:]) if text.startswith("$") else (None, {})
        for node in tree.body if tree is not None else ():
            if isinstance(node, ast.Import):
                packages.setdefault(node.names[0].name.partition(".")[0], key)
            elif isinstance(node, ast.ImportFrom) and node.module:
                packages.setdefault(node.module.partition(".")[0], key)
    return packages


def _imports(config: Config) -> Iterator[Finding]:
    for top, key in imports(config).items():
        if not is_there(config, top):
            yield _missing(config.name, key, setting(key, config.at(key)), top)


def is_there(config: Config, top: str) -> bool:
    """Whether a package can be imported, the bundle's own among them, found without importing it."""
    return is_standard(top) or top in TRUSTED or config.targets.is_own(top) or installed(top)


def _missing(name: str, key: str, said: str, top: str) -> Finding:
    package = DISTRIBUTIONS.get(top, top)
    return found(
        "package_missing",
        f"{said} needs the package {package}, which is not installed; run: pip install {package}",
        name,
        key,
    )


def _readers(config: Config) -> Iterator[Finding]:
    for part in config.parts():
        reader = part.arg("reader", None) if part.name.startswith("LoadImage") else None
        top = READERS.get(str(reader)) or NEEDS.get(part.name)
        if top is not None and not installed(top):
            said = (
                setting(part.key_to("reader"), reader)
                if reader
                else setting(f"{part.key}::_target_", part.block["_target_"])
            )
            yield _missing(config.name, part.key, said, top)


def asked_for(metadata: dict[str, Any], name: str) -> Iterator[Finding]:
    """The packages that metadata.json lists and that are not here; it may still work without them."""
    from importlib.metadata import PackageNotFoundError, distribution

    listed = metadata.get("required_packages_version") or metadata.get("optional_packages_version") or {}
    for package in listed if isinstance(listed, dict) else ():
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,80}", package):
            continue
        try:
            distribution(package)
        except (PackageNotFoundError, ValueError):
            if not installed(package.replace("-", "_")):
                yield found(
                    "package_missing",
                    f"{name} lists the package {package}, which is not installed; run: pip install {package}",
                    name,
                    f"required_packages_version#{package}",
                    "note",
                )


def _places(config: Config) -> Iterator[Finding]:
    for key, text in config.texts():
        absolute = text.startswith("/") or PureWindowsPath(text).drive != ""
        if not absolute or len(text) < 3 or not PLACE.search(key) or Path(text).exists():
            continue
        repaired = key == "bundle_root"
        way = (
            "voxloop bundle run puts the bundle's real folder there."
            if repaired
            else f"set it to yours: {key.replace('::', '#')}=..."
        )
        yield found(
            "place_of_author",
            f"{setting(key, text)} is not there on this machine; {way}",
            config.name,
            key,
            "note" if repaired else None,
        )


@cache
def _paths(root: Path) -> tuple[Path, ...]:
    return tuple(sorted(path for path in root.rglob("*.py") if path.is_file()))[:MOST_SCRIPTS]


def scripts(root: Path) -> Iterator[tuple[Path, ast.Module | None, str]]:
    """The Python files of a bundle, parsed, and why where they are none."""
    for path in _paths(root):
        try:
            if path.stat().st_size > MOST_BYTES:
                yield path, None, "it is larger than any program"
                continue
            yield path, ast.parse(path.read_text(encoding="utf-8")), ""
        except SyntaxError as error:
            yield path, None, f"{error.msg} at line {error.lineno}"
        except (OSError, ValueError, RecursionError, MemoryError) as error:
            yield path, None, type(error).__name__


def judge_scripts(root: Path) -> Iterator[Finding]:
    for path, tree, why in scripts(root):
        name = str(path.relative_to(root))
        if tree is None:
            yield found("script_broken", f"{name} is not valid Python ({why}); mend it there.", name)
            continue
        for call in _unsafe_loads(tree):
            yield _pickle(name, None, f"{name} line {call.lineno}: torch.load")
        if _names_gpu(tree, path.read_text(encoding="utf-8")):
            yield _gpu(name, None, f"{name}")


def risky(root: Path) -> list[str]:
    """What scripts call that reaches beyond the bundle: programs, the network, deletion, code made from text."""
    modules = {"subprocess", "socket", "urllib", "requests", "http", "ftplib", "smtplib", "ctypes", "pickle", "shutil"}
    calls = {"eval", "exec", "compile", "__import__", "system", "popen", "remove", "unlink", "rmtree", "urlopen"}
    said = []
    for path, tree, _ in scripts(root):
        for node in ast.walk(tree) if tree is not None else ():
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [f"imports {one.name}" for one in node.names if one.name.partition(".")[0] in modules]
            elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in modules:
                names = [f"imports {node.module}"]
            elif isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                names = [f"calls {ast.unparse(node.func)[:40]}"] if called in calls else []
            said += [f"{path.relative_to(root)} line {getattr(node, 'lineno', 0)} {name}" for name in names]
    return said[:20]
