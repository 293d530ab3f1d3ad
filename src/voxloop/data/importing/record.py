"""import.json in a dataset: which case came from where and from what each file was made, so that ids stay and nothing is done twice."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from voxloop.data.whole import write_json
from voxloop.errors import VoxloopError

RECORD = "import.json"
JOURNAL = ".made.jsonl"
LONGEST_ID = 100


@dataclass(frozen=True, slots=True)
class Entry:
    """One case: its key in the source, the files of its scan there, and the state that each of its own files was made from.

    `written` are those of its files that are no links, as they were when they were written: what differs now is a person's work.
    """

    key: str
    image: tuple[str, ...]
    pieces: dict[str, str] = field(default_factory=dict)
    written: dict[str, list[int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record:
    """Every case that was ever brought in, by its id."""

    cases: dict[str, Entry] = field(default_factory=dict)

    @property
    def ids(self) -> dict[str, str]:
        return {entry.key: one for one, entry in self.cases.items()}


def read_record(folder: Path) -> Record | None:
    """The record of a dataset that was brought in; None where no dataset is there yet."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return None
    path = folder / RECORD
    if not path.is_file():
        raise VoxloopError(
            f'{folder} is there already and was not made by "voxloop data import"; choose another place with --out.'
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Record(
            {
                str(one): Entry(
                    str(entry["key"]), tuple(entry["image"]), dict(entry["pieces"]), dict(entry.get("written", {}))
                )
                for one, entry in content["cases"].items()
            }
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise VoxloopError(
            f"{path} is damaged ({error!r:.80}); restore it, or bring the data into a new folder with --out."
        ) from error


def write_record(folder: Path, record: Record) -> None:
    cases = {one: asdict(entry) for one, entry in sorted(record.cases.items())}
    write_json(folder / RECORD, {"voxloop": "import", "version": 1, "cases": cases})


def read_journal(work: Path) -> dict[str, str]:
    """What an import that did not end has made: file → state. Its last line may be cut off."""
    made: dict[str, str] = {}
    try:
        lines = (work / JOURNAL).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return made
    for line in lines:
        try:
            path, state = json.loads(line)
        except ValueError:
            continue
        made[str(path)] = str(state)
    return made


def note(work: Path, path: str, state: str) -> None:
    """Remembers that a file is made, before the import as a whole is."""
    with (work / JOURNAL).open("a", encoding="utf-8") as file:
        file.write(json.dumps([path, state]) + "\n")


def ids_for(names: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """An id for each key: the one that it has had, else its name, made fit for a file's name and unlike all others.

    Names that differ only in capitals would be one file on some disks. Where two names become one, a digest of the key tells
    them apart; neither order nor number decides.
    """
    found = {key: known[key] for key in names if key in known}
    taken = {one.casefold() for one in known.values()}
    new = [key for key in names if key not in known]
    for key in sorted(new, key=lambda key: (_safe(names[key]) != names[key], names[key], key)):
        one = _safe(names[key])
        if one.casefold() in taken:
            one = f"{one[: LONGEST_ID - 9]}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"
        taken.add(one.casefold())
        found[key] = one
    return found


def _safe(name: str) -> str:
    """A name as a file's: letters of any script, digits, `.`, `_` and `-`; never hidden, never too long."""
    plain = re.sub(r"[^\w.-]+", "_", unicodedata.normalize("NFKC", name)).strip(".- ")
    if len(plain.encode()) > LONGEST_ID:
        plain = f"{plain[:20]}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
    return plain or f"case-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def natural(name: str) -> tuple[tuple[int, int | str], ...]:
    """Sorts case_2 before case_10."""
    return tuple(
        (0, int(part)) if part.isdecimal() else (1, part.casefold()) for part in re.split(r"(\d+)", name) if part
    )


def in_order(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: (natural(name), name))
