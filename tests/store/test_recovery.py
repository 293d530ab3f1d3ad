"""What a dead process left is drained once, whatever became of its file, and never stands between a person and the project."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxloop.store import open_project
from voxloop.store.drain import Sink
from voxloop.store.journal import COUNT, START, UNIT, Journal, note
from voxloop.store.project import Project


def dead(path: Path, values: list[float], name: str = "loss") -> Path:
    """A journal whose writer is gone."""
    journal = Journal(path, "a-run")
    journal.extend(note(["series", 1, name, "{}"]))
    for step, value in enumerate(values):
        journal.append(1, step, value, step, -1)
    journal.close(remove=False)
    return path


def values_in(project: Project) -> list[float]:
    found = project.series_of("a-run")
    return project.points(found[0].id).values.tolist() if found else []


def test_a_record_that_does_not_fit_changes_nothing(folder: Path) -> None:
    journal = Journal(folder / "a.journal", "a-run")
    before = journal.committed
    with pytest.raises(struct.error):
        journal.append(1, 2**63, 0.0, 0, 0)
    assert journal.committed == before
    journal.close(remove=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journals"


def test_what_was_printed_after_the_last_drain_is_recovered(tmp_path: Path) -> None:
    """The journal is known to the database already, and what is left of it begins with a printed line."""
    with open_project(tmp_path, create=True) as project:
        path = dead(project.journals / "a-run-1-1.journal", [0.5])
        content = path.read_bytes()
        sink = Sink("a-run")
        sink.fresh()
        with project.writing() as connection:
            sink.drain(
                connection, path.name, content[START:], int.from_bytes(content[8 * COUNT : 8 * COUNT + 8], "little")
            )
        journal = Journal(project.journals / "other.journal", "a-run")
        journal.extend(note(["console", 1.0, "the last words\n"]))
        journal.close(remove=False)
        other = (project.journals / "other.journal").read_bytes()
        (project.journals / "other.journal").unlink()
        begin = int.from_bytes(content[8 * COUNT : 8 * COUNT + 8], "little")
        end = int.from_bytes(other[8 * COUNT : 8 * COUNT + 8], "little")
        whole = bytearray(content[:begin] + other[START:end])
        whole[8 * COUNT : 8 * COUNT + 8] = len(whole).to_bytes(8, "little")
        path.write_bytes(whole)
        project.recover()
        assert project.console("a-run") == "the last words\n"
        assert values_in(project) == [0.5]
        assert not list(project.journals.iterdir())


@settings(max_examples=25, deadline=None)
@given(garbage=st.binary(min_size=1, max_size=300), committed=st.sampled_from(["kept", "huge", "zero"]))
def test_a_torn_or_garbled_tail_loses_no_committed_point(
    tmp_path_factory: pytest.TempPathFactory, garbage: bytes, committed: str
) -> None:
    with open_project(tmp_path_factory.mktemp("p"), create=True) as project:
        path = dead(project.journals / "a-run-1-1.journal", [0.5, 1.5, 2.5])
        content = bytearray(path.read_bytes())
        end = int.from_bytes(content[8 * COUNT : 8 * COUNT + 8], "little")
        content[end:] = garbage
        # A count that was itself hit points anywhere: what is there is read, what is not there is not.
        count = {"kept": end, "huge": 2**63, "zero": 0}[committed]
        content[8 * COUNT : 8 * COUNT + 8] = count.to_bytes(8, "little")
        path.write_bytes(content)
        project.recover()
        left = [path.name for path in project.journals.iterdir()]
        if committed == "zero":
            assert left == ["a-run-1-1.damaged"], "nobody knows how much of it was promised, so it is kept as it is"
        else:
            assert left == []
            assert values_in(project)[:3] == [0.5, 1.5, 2.5]


@pytest.mark.parametrize("length", [0, 10, START, START + UNIT + 5, START + 3 * UNIT])
def test_a_truncated_journal_gives_its_whole_records(tmp_path: Path, length: int) -> None:
    with open_project(tmp_path, create=True) as project:
        path = dead(project.journals / "a-run-1-1.journal", [0.5, 1.5, 2.5])
        path.write_bytes(path.read_bytes()[:length])
        project.recover()
        # A declaration takes two units, a point one.
        assert values_in(project) == [0.5, 1.5, 2.5][: max(0, (length - START) // UNIT - 2)]


def test_a_file_that_is_no_journal_is_set_aside_and_kept(tmp_path: Path) -> None:
    with open_project(tmp_path, create=True) as project:
        project.journals.mkdir()
        (project.journals / "x.journal").write_text("the shopping list, longer than the head of a journal " * 3)
        assert project.recover() == []
        assert (project.journals / "x.damaged").read_text().startswith("the shopping list")


def test_a_journal_that_no_database_can_hold_does_not_lock_the_project(tmp_path: Path) -> None:
    with open_project(tmp_path, create=True) as project:
        dead(project.journals / "a-run-1-1.journal", [1.0], name="lone \ud800 surrogate")
        dead(project.journals / "a-run-1-2.journal", [2.0])
    with open_project(tmp_path) as project:
        assert values_in(project) == [2.0]
        assert [path.name for path in project.journals.iterdir()] == ["a-run-1-1.damaged"]


def test_what_is_drained_is_not_drained_again(tmp_path: Path) -> None:
    """The writer died between its transaction and the end of its journal, and so did the first who came to its aid."""
    with open_project(tmp_path, create=True) as project:
        journal = Journal(project.journals / "a-run-1-1.journal", "a-run")
        journal.extend(note(["series", 1, "loss", "{}"]))
        for step in range(6):
            journal.append(1, step, float(step), step, -1)
        with project.writing() as connection:
            Sink("a-run").drain(connection, journal.path.name, journal.read(journal.drained), journal.committed)
        for step in range(6, 10):
            journal.append(1, step, float(step), step, -1)
        journal.close(remove=False)
        kept = journal.path.read_bytes()
        project.recover()
        assert values_in(project) == [float(step) for step in range(10)]
        assert not journal.path.exists()
        assert len(kept) > START


def test_a_drain_that_fails_leaves_points_and_offset_as_they_were(tmp_path: Path) -> None:
    with open_project(tmp_path, create=True) as project:
        journal = Journal(project.journals / "a-run-1-1.journal", "a-run")
        journal.extend(note(["series", 1, "loss", "{}"]))
        journal.append(1, 0, 1.0, 0, -1)
        with pytest.raises(ZeroDivisionError), project.writing() as connection:  # noqa: PT012 - the law is what is undone
            Sink("a-run").drain(connection, journal.path.name, journal.read(journal.drained), journal.committed)
            raise ZeroDivisionError
        journal.close(remove=False)
        project.recover()
        assert values_in(project) == [1.0]
