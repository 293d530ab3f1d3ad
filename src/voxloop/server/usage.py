"""What can be done with a version, as lines to copy: the same commands that the terminal knows."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote

from voxloop.server.models.artifacts import Usage
from voxloop.store import ArtifactVersion
from voxloop.store.artifacts.retention import RULES


def of(version: ArtifactVersion) -> list[Usage]:
    """For a person at a terminal, and for a script."""
    ref, name = version.ref, f"{version.name}-v{version.version}"
    if version.kind == "dataset":
        commands = [
            ("Train on it", f"voxloop train spleen_ct --data {ref}"),
            ("See what is in it", f"voxloop data show {ref}"),
            ("Score a model on it", f"voxloop evaluate spleen-ct:best --data {ref}"),
        ]
    elif version.kind == "model":
        commands = [
            ("Segment scans with it", f"voxloop predict {ref} SCANS --out labels"),
            ("Score it on a dataset", f"voxloop evaluate {ref} --data DATASET"),
            ("Write it as a bundle for others", f"voxloop models export {ref} --out {name}.zip"),
        ]
    else:
        commands = [
            ("See what it holds", f"voxloop models show {ref}"),
            ("Copy its files", f"voxloop models export {ref} --to files --out {name}"),
        ]
    script = f'import voxloop as vx\n\nwith vx.open() as project:\n    folder = project.materialise(project.artifact("{ref}"))'
    inside = f'with vx.Run(name="next") as run:\n    folder = run.use("{ref}")  # and the lineage knows'
    return [
        *(Usage(what=what, language="shell", lines=lines) for what, lines in commands),
        Usage(what="Use it in a tracked run", language="python", lines=inside),
        Usage(what="Read its files in a script", language="python", lines=script),
    ]


def pruning(keep: Sequence[str], last: int, name: str, kind: str | None) -> str:
    """The command that prunes in the same way."""
    words = ["voxloop", "models", "prune"]
    if set(keep) != set(RULES):
        words += [word for rule in RULES if rule in keep for word in ("--keep", rule)]
    if last:
        words += ["--last", str(last)]
    if name != "*":
        words += ["--name", quote(name)]
    if kind is not None:
        words += ["--kind", quote(kind)]
    return " ".join(words)
