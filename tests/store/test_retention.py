"""What no rule keeps goes, what anybody refers to stays, and a number is never given to other content."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import voxloop as vx
from tests.tracking.children import child
from voxloop.errors import VoxloopError
from voxloop.store import ArtifactVersion, Project, open_project, schema
from voxloop.store.artifacts import aliases, lineage, retention
from voxloop.store.artifacts.retention import Collected

LONG_AGO = 7200.0


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with open_project(tmp_path / "p", create=True) as opened:
        yield opened


def save(project: Project, content: str, *names: str, name: str = "m", kind: str = "model") -> ArtifactVersion:
    path = project.root.parent / "weights.pt"
    path.write_text(content)
    return project.save(path, name, kind, None, names)


def delete(project: Project, reference: str, force: bool = False) -> None:
    with project.writing() as connection:
        retention.delete(connection, project.artifact(reference), force)


def prune(project: Project, *keep: str, last: int = 0, **rest: object) -> list[str]:
    with project.writing() as connection:
        pruned = retention.prune(connection, project.blobs, keep, last, **rest)  # type: ignore[arg-type]
    return [version.ref for version in pruned.removed]


def collect(project: Project, age_s: float = 3600, dry_run: bool = False) -> Collected:
    return retention.collect(project.root, project.reading, project.writing, project.blobs, age_s, dry_run)


def age(path: Path, seconds: float = LONG_AGO) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


def refs(project: Project) -> list[str]:
    return [version.ref for version in project.artifacts()]


# Deleting


def test_an_alias_holds_a_version_until_it_is_moved_or_forced(project: Project) -> None:
    save(project, "one", "best", "production")
    with pytest.raises(VoxloopError, match="m:v1 is m:best, m:production, so it is kept; move the alias first"):
        delete(project, "m:v1")
    delete(project, "m:v1", force=True)
    assert project.artifacts() == []


def test_a_running_run_holds_what_it_uses(project: Project) -> None:
    save(project, "one")
    with vx.Run(name="reader", project=project.root) as run:
        run.use("m:v1")
        with pytest.raises(VoxloopError, match="in use by the running run reader"):
            delete(project, "m:v1")
        assert prune(project) == []
    delete(project, "m:v1")
    assert refs(project) == []


def test_a_number_is_never_given_to_other_content(project: Project) -> None:
    save(project, "one")
    save(project, "two")
    delete(project, "m:v2")
    assert save(project, "three").ref == "m:v3"
    delete(project, "m:v3")
    delete(project, "m:v1")
    assert save(project, "one").ref == "m:v4"


def test_latest_is_always_the_newest(project: Project) -> None:
    save(project, "one", "latest")
    save(project, "two")
    assert [version.aliases for version in project.artifacts()] == [(), ("latest",)]
    assert save(project, "one", "latest").aliases == (), "content that was there before is not the newest"
    assert project.artifact("m:latest").ref == "m:v2"
    with pytest.raises(VoxloopError, match='"latest" is always the newest version, m:v2'):
        project.alias("m:v1", "latest")
    delete(project, "m:v2")
    assert project.artifact("m:latest").aliases == ("latest",)
    delete(project, "m:v1")
    assert save(project, "three").aliases == ()


def test_an_alias_is_removed_and_its_version_stays(project: Project) -> None:
    save(project, "one", "best")
    with project.writing() as connection:
        aliases.remove(connection, "m", "best")
    assert project.artifact("m:v1").aliases == ()
    with pytest.raises(VoxloopError, match='m has no alias "best"; it has: none'), project.writing() as connection:
        aliases.remove(connection, "m", "best")


# Lineage


def test_lineage_goes_both_ways_through_any_depth(project: Project) -> None:
    (project.root.parent / "data").write_text("scans")
    runs = []
    for number in range(3):
        with vx.Run(name=f"step-{number}", project=project.root) as run:
            if number:
                run.use(f"m{number - 1}:v1")
            save_as = project.root.parent / f"out-{number}"
            save_as.write_text(str(number))
            run.save(save_as, name=f"m{number}", kind="model")
        runs.append(run.id)
    with vx.Run(name="aside", project=project.root) as aside:
        aside.use("m0:v1")
    with project.reading() as connection:
        middle = lineage.of_version(connection, project.artifact("m1"))
        near = lineage.of_version(connection, project.artifact("m1"), depth=1)
        first = lineage.of_run(connection, runs[0])
    way = [runs[0], "m0:v1", runs[1], "m1:v1", runs[2], "m2:v1"]
    assert {(edge.source, edge.target) for edge in middle.edges} == set(pairwise(way))
    assert {edge.how for edge in middle.edges} == {"made", "used"}
    assert {node.id for node in near.nodes} == {runs[1], "m1:v1", runs[2]}
    assert {node.id for node in first.nodes} == {*way, aside.id}
    assert {node.name for node in first.nodes if node.what == "run"} == {"step-0", "step-1", "step-2", "aside"}


def test_a_lineage_names_what_is_gone(project: Project) -> None:
    save(project, "one")
    with vx.Run(project=project.root) as run:
        run.use("m:v1")
        # A run that goes on from what it made itself leads back to itself.
        run.save(project.root.parent / "weights.pt", name="own", kind="model")
        run.use("own:v1")
    delete(project, "m:v1")
    with project.reading() as connection:
        found = lineage.of_run(connection, run.id)
    assert {(node.id, node.gone) for node in found.nodes} == {(run.id, False), ("m:v1", True), ("own:v1", False)}


# Rules


@pytest.mark.parametrize(
    ("keep", "last", "stays"),
    [
        ((), 0, ["m:v5"]),
        ((), 2, ["m:v5", "m:v6", "n:v1"]),
        (("latest",), 0, ["m:v5", "m:v6", "n:v1"]),
        (("best",), 0, ["m:v2", "m:v5"]),
        (("aliased",), 0, ["m:v2", "m:v3", "m:v5"]),
        (("used",), 0, ["m:v4", "m:v5"]),
        (("best", "latest", "aliased", "used"), 0, ["m:v2", "m:v3", "m:v4", "m:v5", "m:v6", "n:v1"]),
    ],
)
def test_what_no_rule_keeps_goes(project: Project, keep: tuple[str, ...], last: int, stays: list[str]) -> None:
    for number in range(1, 7):
        save(project, str(number), *{2: ["best"], 3: ["production"], 5: ["protected"]}.get(number, []))
    save(project, "only", name="n")
    with vx.Run(project=project.root) as run:
        run.use("m:v4")
    would = prune(project, *keep, last=last, dry_run=True)
    assert len(refs(project)) == 7
    assert prune(project, *keep, last=last) == would
    assert refs(project) == stays
    assert prune(project, *keep, last=last) == []


def test_only_what_was_named_is_pruned(project: Project) -> None:
    for number in range(2):
        save(project, f"a{number}", name="spleen-ct")
        save(project, f"b{number}", name="spleen-data", kind="dataset")
        save(project, f"c{number}", name="brain")
    assert prune(project, "latest", name="spleen-*", kind="model") == ["spleen-ct:v1"]
    with pytest.raises(VoxloopError, match='"newest" is no rule of what to keep; there are: best, latest'):
        prune(project, "newest")


def test_what_is_freed_is_what_nothing_else_refers_to(project: Project, tmp_path: Path) -> None:
    shared = tmp_path / "bundle"
    shared.mkdir()
    (shared / "network").write_bytes(b"n" * 1000)
    for weights in (b"a" * 10, b"b" * 20):
        (shared / "weights").write_bytes(weights)
        project.save(shared, "m", "model", None)
    with project.reading() as connection:
        pruned = retention.prune(connection, project.blobs, ["latest"], dry_run=True)
    assert (pruned.bytes, pruned.kept) == (10, 1)


# Collecting


def test_what_nothing_refers_to_goes_once_it_is_old(project: Project) -> None:
    kept = save(project, "kept")
    lost = project.blobs.put(b"lost")
    assert collect(project) == Collected(blobs=0, bytes=0, waiting=1, partials=0, folders=0, pictures=0)
    for digest in project.blobs:
        age(project.blobs.path(digest))
    assert collect(project, dry_run=True) == Collected(blobs=1, bytes=4, waiting=0, partials=0, folders=0, pictures=0)
    assert lost in project.blobs
    assert collect(project) == Collected(blobs=1, bytes=4, waiting=0, partials=0, folders=0, pictures=0)
    assert list(project.blobs) == [kept.files["weights.pt"]["digest"]]


def test_pictures_go_with_what_they_were_made_of(tmp_path: Path) -> None:
    """Whoever deletes a patient's scan does not leave a picture of it behind."""
    root = tmp_path / "p"
    with vx.Run(name="stays", project=root) as run:
        run.log({"val/scan": vx.Volume(np.arange(60).reshape(3, 4, 5))}, step=1)
    with vx.Run(name="goes", project=root) as gone:
        gone.log({"val/scan": vx.Volume(np.ones((3, 4, 5)))}, step=1)
    with open_project(root) as project:
        stays, goes = (project.media_of(one, kind="volume")[0].data["image"]["digest"] for one in (run.id, gone.id))
        pictures = project.cache / "pictures"
        pictures.mkdir(parents=True)
        for name in (f"{stays}-small.png", f"{goes}-small.png", f"{goes}-{'0' * 64}.json", "tmpleft"):
            (pictures / name).write_bytes(b"123")
        project.delete_run(gone.id)
        found = collect(project, dry_run=True)
        assert (found.pictures, found.bytes, len(list(pictures.iterdir()))) == (3, 9, 4)
        collect(project)
        assert [path.name for path in pictures.iterdir()] == [f"{stays}-small.png"]


def test_a_digest_is_found_at_any_depth(project: Project) -> None:
    deep, params, environment, journal = (project.blobs.put(text) for text in (b"1", b"2", b"3", b"4"))
    with vx.Run(project=project.root, params={"a": [{"b": {"digest": params}}]}) as run:
        row = {"run_id": run.id, "name": "scan", "context": "{}", "step": 0, "time": 0.0, "kind": "volume"}
        run.flush()
        told = project.run(run.id).environment
        with project.writing() as connection:
            connection.execute(schema.media.insert().values(**row, data={"x": [[{"y": {"digest": deep}}]]}))
            connection.execute(schema.runs.update().values(environment={**told, "patch": {"digest": environment}}))
    # In what is not drained, across the border of two pieces that are read.
    (project.journals / "torn.damaged").write_bytes(b"\0" * ((1 << 20) - 30) + journal.encode() + b"\0")
    for digest in project.blobs:
        age(project.blobs.path(digest))
    assert collect(project).blobs == 0
    assert {deep, params, environment, journal} <= set(project.blobs)


def test_what_interrupted_writers_left_goes(project: Project) -> None:
    project.blobs.put(b"x")
    folder = next(project.blobs.folder.glob("??"))
    fresh, old = folder / ".partial-fresh", folder / ".partial-old"
    half = project.cache / "artifacts" / ".partial-half"
    half.mkdir(parents=True)
    for path in (fresh, old, half / "weights"):
        path.write_bytes(b"half")
    age(old)
    age(half)
    assert collect(project).partials == 2
    assert (fresh.exists(), old.exists(), half.exists()) == (True, False, False)


def test_the_folder_of_a_version_that_is_gone_goes_unless_it_was_just_asked_for(project: Project) -> None:
    gone, kept = save(project, "gone"), save(project, "kept")
    folders = [project.materialise(version) for version in (gone, kept)]
    delete(project, gone.ref)
    assert collect(project).folders == 0
    for folder in folders:
        age(folder)
    assert collect(project).folders == 1
    assert [folder.exists() for folder in folders] == [False, True]


def test_a_blob_that_is_put_again_is_as_young_as_a_new_one(project: Project, tmp_path: Path) -> None:
    digest = project.blobs.put(b"scan")
    (tmp_path / "scan").write_bytes(b"scan")
    for again in (
        lambda: project.blobs.put(b"scan"),
        lambda: project.blobs.put_file(tmp_path / "scan"),
        lambda: project.blobs.renew(digest),
    ):
        age(project.blobs.path(digest))
        again()
        assert collect(project).waiting == 1
    age(project.blobs.path(digest))
    assert collect(project).blobs == 1
    assert not project.blobs.renew(digest)


def test_a_blob_that_lost_its_end_is_mended_by_putting_it_again(project: Project) -> None:
    digest = project.blobs.put(b"scan")
    path = project.blobs.path(digest)
    path.chmod(0o644)
    path.write_bytes(b"sc")
    assert project.blobs.put(b"scan") == digest
    assert project.blobs.sound(digest)


WRITER = """
import os, sys, time
from voxloop.store import open_project, schema
project = open_project(sys.argv[1])
rows = 0
end = time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    for number in range(8):
        # The same few contents over and over, so that what is put is what is being collected.
        digest = project.blobs.put(b"content %d" % number)
        row = {"run_id": "r", "name": "scan", "context": "{}", "step": rows, "time": 0.0, "kind": "volume"}
        with project.writing() as connection:
            connection.execute(schema.media.insert().values(**row, data={"image": {"digest": digest}}))
        rows += 1
        path = project.blobs.path(digest)
        for look in range(3):
            assert path.is_file(), f"{digest} is missing after {rows} rows"
        with project.writing() as connection:
            connection.execute(schema.media.delete())
        try:
            os.utime(path, (1, 1))
        except FileNotFoundError:
            pass
    kept = project.blobs.put(b"kept %d" % rows)
    with project.writing() as connection:
        connection.execute(schema.versions.insert().values(
            name="m", version=rows, kind="model", digest=kept, files={"w": {"digest": kept, "bytes": 1}}, metadata={}, created=0.0))
print(rows)
"""


def test_nothing_that_is_referred_to_is_ever_missing_while_another_process_writes(project: Project) -> None:
    """A writer puts, refers to and lets go of the same blobs, which are old as soon as it lets go; two collectors work."""
    collected = rounds = 0
    with child(WRITER, project.root, 4) as writer, child(COLLECTOR, project.root, 4) as other:
        while writer.poll() is None:
            collected += collect(project).blobs
            rounds += 1
            with project.reading() as connection:
                known = {row.digest for row in connection.execute(schema.versions.select())}
            assert all(digest in project.blobs for digest in known)
        said, _ = writer.communicate()
        assert writer.returncode == 0
        assert other.wait() == 0
    assert int(said) > 20
    assert rounds > 5
    assert collected > 0
    for digest in project.blobs:
        age(project.blobs.path(digest))
    collect(project)
    assert set(project.blobs) == {version.digest for version in project.artifacts()}


COLLECTOR = """
import sys, time
from voxloop.store import open_project
from voxloop.store.artifacts import retention
project = open_project(sys.argv[1])
end = time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    retention.collect(project.root, project.reading, project.writing, project.blobs)
"""
