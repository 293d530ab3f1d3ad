"""What a process appended is read by whoever finds the file, whatever became of the process and of the file's end."""

from __future__ import annotations

import mmap
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tracking.children import child
from voxloop.store.drain import by_number, parse
from voxloop.store.journal import COUNT, FIRST_SIZE, START, UNIT, Journal, note, orphans, owned


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "one.journal", "run1")
    made.extend(note(["series", 1, "loss", "{}"]))
    yield made
    made.close(remove=True)


def test_points_come_back_by_series(journal: Journal) -> None:
    journal.append(1, 0, 0.5, 1000, -1)
    journal.extend(note(["series", 2, "val/dice", '{"case":"spleen_12"}']))
    journal.append(2, 7, 0.9, 2000, 3)
    journal.append(1, 1, 0.25, 3000, -1)
    notes, found = parse(journal.read(START))
    points = by_number(found)
    assert notes == [["series", 1, "loss", "{}"], ["series", 2, "val/dice", '{"case":"spleen_12"}']]
    assert points[1]["value"].tolist() == [0.5, 0.25]
    assert points[2].tolist() == [(2, 7, 0.9, 2000, 3)]


def test_it_grows_past_its_first_size(journal: Journal) -> None:
    count = 2 * FIRST_SIZE // UNIT
    for step in range(count):
        journal.append(1, step, step / 2, step, -1)
    points = parse(journal.read(START))[1]
    assert (points["step"] == np.arange(count)).all()


def test_a_stretch_can_be_read_from_where_one_was(journal: Journal) -> None:
    journal.append(1, 0, 0.5, 0, -1)
    middle = journal.committed
    journal.append(1, 1, 0.7, 0, -1)
    assert parse(journal.read(middle))[1]["step"].tolist() == [1]


def test_a_living_process_keeps_its_journal(journal: Journal, tmp_path: Path) -> None:
    assert owned(journal.path)
    assert list(orphans(tmp_path)) == []


def test_a_journal_without_its_process_is_an_orphan(tmp_path: Path) -> None:
    made = Journal(tmp_path / "one.journal", "run1")
    made.close(remove=False)
    assert not owned(made.path)
    (orphan,) = orphans(tmp_path)
    assert orphan.run_id == "run1"


@settings(deadline=None, max_examples=60)
@given(garbage=st.binary(max_size=400), cut=st.integers(0, 400))
def test_a_torn_end_is_ignored(tmp_path_factory: pytest.TempPathFactory, garbage: bytes, cut: int) -> None:
    folder = tmp_path_factory.mktemp("torn")
    made = Journal(folder / "one.journal", "run1")
    made.extend(note(["series", 1, "loss", "{}"]))
    for step in range(5):
        made.append(1, step, float(step), step, -1)
    end = made.committed
    made.close(remove=False)
    whole = made.path.read_bytes()
    # Cut into the committed part, then add what a broken disk may leave.
    made.path.write_bytes(whole[: max(0, end - cut)] + garbage)
    (orphan,) = orphans(folder)
    points = by_number(parse(orphan.content)[1])
    kept = points[1]["step"].tolist() if 1 in points else []
    undamaged = max(0, (end - cut - START) // UNIT - 2)
    assert kept[: min(5, undamaged)] == list(range(min(5, undamaged)))


def test_whoever_looks_at_a_journal_meets_a_count_that_was_promised(tmp_path: Path) -> None:
    """A process may be killed between any two of its instructions: the count goes from one whole number to the next."""
    path = tmp_path / "one.journal"
    with child(WRITES_ON, path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        with path.open("rb") as file, mmap.mmap(file.fileno(), START, prot=mmap.PROT_READ) as seen:
            words = memoryview(seen).cast("Q")
            counts = [words[COUNT]]
            until = time.monotonic() + 30
            while len(counts) < 100_000 and time.monotonic() < until:
                if (count := words[COUNT]) != counts[-1]:
                    counts.append(count)
            words.release()
        process.kill()
    assert len(counts) > 100, "the writer wrote while it was looked at"
    assert min(counts) >= START
    assert counts == sorted(counts)


WRITES_ON = """
import sys
from pathlib import Path
from voxloop.store.journal import Journal
journal = Journal(Path(sys.argv[1]), "a-run")
print("begun", flush=True)
step = 0
while True:
    journal.append(1, step, 0.5, 0, 0)
    step += 1
"""
