"""What a piece of Python could do to the machine that runs it, as far as its own text shows: read with `ast`, never run."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

# Dotted names by what calling them does; a name that ends in "." stands for everything below it.
POWERS: Mapping[str, tuple[str, ...]] = {
    "opens network connections": (
        "socket.", "requests.", "urllib.request.", "urllib3.", "http.client.", "httpx.", "aiohttp.", "ftplib.", "smtplib.",
        "imaplib.", "telnetlib.", "xmlrpc.client.", "paramiko.", "websocket.", "websockets.", "boto3.", "gdown.", "wandb.",
        "mlflow.", "huggingface_hub.", "torch.hub.", "monai.apps.download_url", "monai.apps.download_and_extract",
        "monai.apps.utils.download_url", "monai.bundle.download", "monai.bundle.load", "webbrowser.",
    ),
    "starts programs": (
        "subprocess.", "os.system", "os.popen", "os.execl", "os.execle", "os.execlp", "os.execv", "os.execve", "os.execvp",
        "os.execvpe", "os.spawnl", "os.spawnle", "os.spawnlp", "os.spawnv", "os.spawnve", "os.spawnvp", "os.posix_spawn",
        "os.posix_spawnp", "os.startfile", "os.fork", "os.kill", "pty.", "pexpect.", "sh.", "asyncio.create_subprocess_exec",
        "asyncio.create_subprocess_shell",
    ),
    "runs text as code": (
        "eval", "exec", "compile", "__import__", "importlib.import_module", "importlib.reload", "runpy.", "builtins.eval",
        "builtins.exec", "builtins.compile", "builtins.__import__", "code.", "marshal.loads", "marshal.load",
        "types.FunctionType", "types.CodeType", "pydoc.locate",
    ),
    "reads pickles, which are code": (
        "pickle.load", "pickle.loads", "pickle.Unpickler", "cPickle.load", "cPickle.loads", "dill.load", "dill.loads",
        "cloudpickle.load", "cloudpickle.loads", "joblib.load", "pandas.read_pickle", "shelve.open", "torch.load",
        "numpy.load", "torch.package.PackageImporter",
    ),
    "loads machine code": (
        "ctypes.", "cffi.", "torch.ops.load_library", "torch.classes.load_library", "torch.utils.cpp_extension.",
        "torch.jit.load", "tensorrt.", "torch_tensorrt.",
    ),
    "deletes or moves files": (
        "os.remove", "os.unlink", "os.rmdir", "os.removedirs", "os.rename", "os.renames", "os.replace", "os.truncate",
        "shutil.rmtree", "shutil.move", "send2trash.",
    ),
    "writes files": (
        "os.makedirs", "os.mkdir", "os.symlink", "os.link", "os.chmod", "os.chown", "shutil.copy", "shutil.copy2",
        "shutil.copyfile", "shutil.copytree", "shutil.unpack_archive", "numpy.save", "numpy.savez", "numpy.savetxt",
        "torch.save", "nibabel.save", "pickle.dump", "joblib.dump", "json.dump", "yaml.dump", "tempfile.", "sqlite3.",
    ),
    "hides text from a reader": ("base64.b64decode", "base64.b85decode", "codecs.decode", "zlib.decompress", "bytes.fromhex"),
    "reads the environment, where passwords lie": ("os.getenv", "os.environ.get", "os.environ", "getpass."),
}  # fmt: skip
# Methods that are known by their name alone, whatever they are called on.
METHODS = {
    "write_text": "writes files",
    "write_bytes": "writes files",
    "to_csv": "writes files",
    "to_filename": "writes files",
    "unlink": "deletes or moves files",
    "rmtree": "deletes or moves files",
    "extractall": "writes files",
}
# What MONAI's parser puts into the names of every expression.
PARSERS_OWN = {"monai": "monai", "torch": "torch", "np": "numpy", "numpy": "numpy"}
REFERENCE = re.compile(r"@(?:(?:#|::)*\w+)(?:(?:#|::)\w+)*")
BUILT_IN = {"eval", "exec", "compile", "__import__", "open"}


@dataclass(frozen=True, slots=True, order=True)
class Deed:
    """One thing that a line would do."""

    power: str
    what: str
    where: str


@dataclass
class Text:
    """What one text of Python holds."""

    imports: set[str] = field(default_factory=set)
    deeds: list[Deed] = field(default_factory=list)


def of_script(source: str, where: str) -> Text:
    """Reads a Python file; a SyntaxError or ValueError passes through."""
    return _read(ast.parse(source), {}, lambda line: f"{where}:{line}")


def of_expression(text: str, where: str, known: Mapping[str, str] | None = None) -> Text:
    """Reads what follows the `$` of a config: references become names, and the parser's own modules are known.

    >>> of_expression("$__import__('os').system('ls')", "here").deeds[0].what
    'os.system'
    """
    python = REFERENCE.sub("_reference_", text.removeprefix("$").strip())
    return _read(ast.parse(python), {**PARSERS_OWN, **(known or {})}, lambda line: where)


def imported_by(text: str) -> dict[str, str]:
    """The names that an `imports` expression such as `$import numpy as np` gives to all others."""
    names: dict[str, str] = {}
    for node in ast.walk(ast.parse(text.removeprefix("$").strip())):
        names |= _aliases(node)
    return names


def of_target(target: str, where: str) -> list[Deed]:
    """A `_target_` is called as soon as it is needed."""
    return [Deed(power, target, where) for power in _powers_of(target)]


def _read(tree: ast.AST, names: dict[str, str], place: object) -> Text:
    assert callable(place)
    found, names = Text(), dict(names)
    for node in ast.walk(tree):
        if aliases := _aliases(node):
            names |= aliases
            found.imports |= {path.partition(".")[0] for path in aliases.values()}
        elif isinstance(node, ast.ImportFrom) and node.level:
            continue
    told: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            path = _dotted(node.func, names)
            told.add(id(node.func))
            if path == "__import__" and (module := _dotted(node, names)):
                found.imports.add(module.partition(".")[0])
            found.deeds += [Deed(power, path or what, place(node.lineno)) for power, what in _deeds(node, path)]
        elif isinstance(node, ast.Attribute | ast.Name) and id(node) not in told:
            # A function that is handed on is called by somebody else: `map(os.remove, files)`.
            path = _dotted(node, names)
            if path and ("." in path or path in BUILT_IN - {"open", "compile"}):
                found.deeds += [Deed(power, path, place(node.lineno)) for power in _powers_of(path, exact=True)]
    found.deeds = sorted(set(found.deeds))
    return found


def _aliases(node: ast.AST) -> dict[str, str]:
    if isinstance(node, ast.Import):
        return {
            one.asname or one.name.partition(".")[0]: one.name if one.asname else one.name.partition(".")[0]
            for one in node.names
        }
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    return {}


def _dotted(node: ast.AST, names: Mapping[str, str]) -> str | None:
    """The full name of what an expression names, through imports under other names."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id if node.id in BUILT_IN else None)
    if isinstance(node, ast.Attribute):
        owner = _dotted(node.value, names)
        return f"{owner}.{node.attr}" if owner else None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "__import__" and node.args:
        first = node.args[0]
        return str(first.value) if isinstance(first, ast.Constant) else None
    return None


def _deeds(call: ast.Call, path: str | None) -> list[tuple[str, str]]:
    if path == "__import__" and call.args and isinstance(call.args[0], ast.Constant):
        # An import like any other.
        return []
    if path == "open" or (path or "").endswith((".open", ".fdopen")):
        mode = call.args[1] if len(call.args) > 1 else next((k.value for k in call.keywords if k.arg == "mode"), None)
        reads = mode is None or (isinstance(mode, ast.Constant) and not set("wax+") & set(str(mode.value)))
        return [] if reads else [("writes files", "open")]
    if path in ("torch.load", "numpy.load"):
        safe, key = (True, "weights_only") if path == "torch.load" else (False, "allow_pickle")
        said = next((word.value for word in call.keywords if word.arg == key), None)
        if isinstance(said, ast.Constant):
            return [] if said.value is safe else [("reads pickles, which are code", path)]
        # numpy refuses pickles by itself; torch does so in newer versions only.
        return [("reads pickles, which are code", path)] if said is not None or path == "torch.load" else []
    if path is not None:
        return [(power, path) for power in _powers_of(path)]
    if isinstance(call.func, ast.Attribute) and call.func.attr in METHODS:
        return [(METHODS[call.func.attr], call.func.attr)]
    return []


def _powers_of(path: str, exact: bool = False) -> list[str]:
    """What calling a name does; `exact` leaves out whole modules, of which a name may be a mere type."""
    return [
        power
        for power, names in POWERS.items()
        if any(
            path == name.removesuffix(".") or (name.endswith(".") and path.startswith(name) and not exact)
            for name in names
        )
        and not (exact and any(path == name.removesuffix(".") and name.endswith(".") for name in names))
    ]
