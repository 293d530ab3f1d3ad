"""Which configs of a bundle belong together: each that runs alone, and each overlay on what it is meant for."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from voxloop.bundles.checking.finding import Finding, found, shown_key
from voxloop.bundles.checking.reading import read
from voxloop.bundles.checking.references import references_of, replaced_macros, runnable, texts_below
from voxloop.errors import VoxloopError

ENDINGS = (".json", ".yaml", ".yml")
MARKS = ("$", "@", "%")


@dataclass
class Merged:
    """Config files that are merged in order. `content` is None where one of them cannot be."""

    paths: tuple[Path, ...]
    content: dict[str, Any] | None
    findings: list[Finding] = field(default_factory=list)

    @property
    def name(self) -> str:
        return " + ".join(path.name for path in self.paths)

    @property
    def several(self) -> bool:
        return any("multi_gpu" in path.stem for path in self.paths)


@dataclass
class Files:
    """The files of a bundle's configs folder, read once."""

    root: Path
    contents: dict[Path, Any]
    findings: list[Finding]

    @classmethod
    def of(cls, root: Path, more: Sequence[Path] = ()) -> Files:
        files = cls(root, {}, [])
        there = (root / "configs").iterdir() if (root / "configs").is_dir() else []
        for path in [*sorted(one for one in there if one.suffix in ENDINGS), *more]:
            if path not in files.contents:
                content, findings = read(path)
                files.contents[path] = content
                files.findings += findings
        return files

    @property
    def metadata(self) -> Path | None:
        return next((path for path in self.contents if path.stem == "metadata"), None)

    def merged(self, paths: Sequence[Path], changes: dict[str, Any] | None = None) -> Merged:
        from monai.bundle import ConfigParser
        from monai.bundle.utils import merge_kv

        merged = Merged(tuple(paths), None)
        parser = ConfigParser(config={})
        for path in paths:
            content = self.contents[path]
            if not isinstance(content, dict):
                return merged
            for key, value in copy.deepcopy(content).items():
                try:
                    merge_kv(parser, key, value)
                except (KeyError, TypeError, ValueError, IndexError, AttributeError):
                    merged.findings.append(
                        found(
                            "overlay_without_base",
                            f"{path.name} patches {shown_key(key)}, which is not in "
                            f"{merged.name.rsplit(' + ', 1)[0]}; merge it over the config that has it, "
                            "with --config before this one.",
                            merged.name,
                            key,
                        )
                    )
        try:
            parser.update(changes or {})
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise VoxloopError(f"{', '.join(changes or {})} cannot be set in {merged.name}; check the key.") from error
        content = parser.get()
        metadata = self.contents.get(self.metadata) if self.metadata else None
        merged.content = {**content, "_meta_": metadata if isinstance(metadata, dict) else {}}
        merged.findings += replaced_macros(merged.content, self.root, merged.name)
        return merged

    def groups(self) -> list[tuple[Path, ...]]:
        """The configs that are run together, the training first."""
        usable = {
            path.stem: path
            for path, content in self.contents.items()
            if path.stem != "metadata" and _is_config(content)
        }
        order = ("train", "evaluate", "inference")
        alone = [path for path in usable.values() if not self._is_overlay(path)]
        alone.sort(
            key=lambda path: (next((n for n, stem in enumerate(order) if path.stem.startswith(stem)), 9), path.name)
        )
        stems = {path.stem: self._with_what_it_needs(path, alone) for path in alone}
        groups = list(stems.values())
        for stem, path in sorted(usable.items(), key=lambda item: (item[0].startswith("multi_gpu"), item[0])):
            if path in alone:
                continue
            base = self._base(stem, stems)
            if base is None or not self._belongs(path, base):
                continue
            groups.append((*base, path))
            stems.setdefault(stem, (*base, path))
        return groups

    def _with_what_it_needs(self, path: Path, others: Sequence[Path]) -> tuple[Path, ...]:
        """A config that refers to what only another one has is run over that: train_diffusion.json over train_autoencoder.json."""
        missing = self._missing(path)
        for other in others if missing else ():
            if (
                other != path
                and other.stem.startswith("train")
                and missing <= set(self.contents[other])
                and not self._missing(other)
            ):
                return (other, path)
        return (path,)

    def _missing(self, path: Path) -> set[str]:
        """The top-level keys that a config refers to and does not have."""
        refs = {one.partition("::")[0] for text in texts_below(self.contents[path]) for one in references_of(text)}
        return refs - set(self.contents[path]) - {"", "_meta_"}

    def _base(self, stem: str, known: dict[str, tuple[Path, ...]]) -> tuple[Path, ...] | None:
        """What an overlay lies on, by its name: multi_gpu_evaluate on evaluate, inference_trt on inference, the rest on train."""
        inner = stem.removeprefix("multi_gpu_")
        for candidate in (inner if inner != stem else "", stem.split("_")[0], "train", "inference"):
            if candidate in known and candidate != stem:
                return known[candidate]
        return None

    def _is_overlay(self, path: Path) -> bool:
        content = self.contents[path]
        patches = any("#" in key or "::" in key or key.startswith("+") for key in content)
        return patches or not (runnable(content) or path.stem.split("_")[0] in ("train", "inference"))

    def _belongs(self, path: Path, base: tuple[Path, ...]) -> bool:
        """A list of cases in the configs folder is no overlay: it shares no key with what it would lie on."""
        keys = {key for one in base for key in self.contents[one]}
        return any(key.lstrip("+").replace("::", "#").split("#")[0] in keys for key in self.contents[path])


def _is_config(content: Any) -> bool:
    return isinstance(content, dict) and all(isinstance(key, str) for key in content)
