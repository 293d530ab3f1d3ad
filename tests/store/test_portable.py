"""Runs travel whole: what comes out of a zip is what went in, bit for bit, and a hostile one changes nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import voxloop as vx
from voxloop.errors import VoxloopError
from voxloop.store import Project, open_project, portable, schema
from voxloop.store.artifacts import aliases, retention
from voxloop.store.portable import Exported, Imported

Members = dict[str, bytes]


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Project]:
    with open_project(tmp_path / "source", create=True) as opened:
        yield opened


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Project]:
    with open_project(tmp_path / "target", create=True) as opened:
        yield opened


def export(project: Project, path: Path, *run_ids: str, blobs: bool = True) -> Exported:
    return portable.export_runs(path, project.reading, project.blobs, list(run_ids) or None, blobs)


def bring(project: Project, path: Path, as_new: bool = False) -> Imported:
    return portable.import_runs(path, project.root, project.reading, project.writing, project.blobs, as_new)


def state(project: Project) -> dict[str, Any]:
    """Everything there is, but for numbers that mean nothing outside of one database."""
    with project.reading() as connection:
        series = {row.id: (row.run_id, row.name, row.context) for row in connection.execute(schema.series.select())}
        found: dict[str, Any] = {}
        for name, table in schema.metadata.tables.items():
            if name == "journals":
                # How far this machine has drained what was written here.
                continue
            rows = [dict(row._mapping) for row in connection.execute(table.select())]
            for row in rows:
                row.pop("id", None) if name in ("series", "media") else None
                if name == "chunks":
                    row["series_id"] = series[row["series_id"]]
            found[name] = sorted(json.dumps(row, sort_keys=True, default=repr) for row in rows)
    return {**found, "blobs": sorted(project.blobs)}


def of_code(project: Project) -> int:
    """Blobs that say with what code runs ran: how many there are depends on where the tests run."""
    told = [one for run in project.runs() for one in run.environment.values()]
    return len({one["digest"] for one in told if isinstance(one, dict) and "digest" in one})


def fill(project: Project, name: str = "unet", weights: bytes = b"weights") -> str:
    """A run with one of everything, which uses what another made."""
    path = project.root.parent / "model.pt"
    path.write_bytes(b"scans")
    with vx.Run(name=f"{name}-data", project=project.root) as before:
        before.save(path, name="data", kind="dataset", aliases=["best"])
    path.write_bytes(weights)
    with vx.Run(name=name, project=project.root, params={"lr": 1e-3, "net": {"sizes": [1, 2]}}, tags=["a"]) as run:
        run.define("val/*", best="max")
        run.use("data")
        for step in range(5000):
            run.log({"loss": 1 / (step + 1)}, step=step)
        run.log({"val/dice": 0.9}, step=1, epoch=1, context={"case": "spleen_12"})
        run.log({"scan": vx.Volume(np.arange(24, dtype=np.int16).reshape(2, 3, 4))}, step=1)
        run.save(path, name="m", kind="model", aliases=["best", "latest"], metadata={"dice": 0.9})
    with project.writing() as connection:
        connection.execute(schema.console.insert().values(run_id=run.id, number=0, time=1.5, text="epoch 1 ✓\n"))
    return run.id


# There and back


names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
points = st.lists(
    st.tuples(st.integers(-(2**63), 2**63 - 1), st.floats(), st.integers(0, 2**31 - 1)), min_size=1, max_size=20
)
contexts = st.dictionaries(names, names | st.integers(-9, 9) | st.booleans() | st.floats(-1, 1), max_size=2)


@settings(max_examples=20, deadline=None)
@given(
    params=st.dictionaries(names, values, max_size=4), logged=st.lists(st.tuples(names, contexts, points), max_size=4)
)
def test_what_comes_out_is_what_went_in(
    tmp_path_factory: pytest.TempPathFactory, params: dict[str, Any], logged: list[Any]
) -> None:
    folder = tmp_path_factory.mktemp("p")
    with vx.Run(project=folder / "a", params=params, tags=list(params)) as run:
        for name, context, series in logged:
            for step, value, epoch in series:
                run.log({name: value}, step=step, epoch=epoch, context=context)
    with open_project(folder / "a") as one, open_project(folder / "b", create=True) as other:
        export(one, folder / "runs.zip")
        bring(other, folder / "runs.zip")
        assert other.runs() == one.runs()
        mine, theirs = one.series_of(run.id), other.series_of(run.id)
        assert [(s.name, s.context, s.count) for s in theirs] == [(s.name, s.context, s.count) for s in mine]
        for here, there in zip(mine, theirs, strict=True):
            before, after = one.points(here.id), other.points(there.id)
            for column in ("steps", "values", "times", "epochs"):
                assert getattr(before, column).tobytes() == getattr(after, column).tobytes()
        assert state(other) == state(one)


def test_media_artifacts_lineage_and_console_travel_too(source: Project, target: Project, tmp_path: Path) -> None:
    run = fill(source)
    said = export(source, tmp_path / "runs.zip")
    assert (len(said.runs), said.versions, said.blobs, said.running) == (2, 2, 3 + of_code(source), ())
    bring(target, tmp_path / "runs.zip")
    assert state(target) == state(source)
    (scan,) = target.media_of(run)
    assert target.blobs.get(scan.data["image"]["digest"]) == source.blobs.get(scan.data["image"]["digest"])
    assert [version.ref for version in target.used(run)] == ["data:v1"]
    assert (target.materialise(target.artifact("m:best")) / "model.pt").read_bytes() == b"weights"
    assert list(target.blobs.damaged()) == []


def test_one_run_brings_what_it_used_and_no_more(source: Project, target: Project, tmp_path: Path) -> None:
    run = fill(source)
    fill(source, "other", b"other")
    export(source, tmp_path / "runs.zip", run)
    bring(target, tmp_path / "runs.zip")
    assert [one.id for one in target.runs()] == [run]
    assert [version.ref for version in target.artifacts()] == ["data:v1", "m:v1"]
    assert len(list(target.blobs)) == 3 + of_code(target)


def test_importing_twice_is_importing_once(source: Project, target: Project, tmp_path: Path) -> None:
    run = fill(source)
    export(source, tmp_path / "runs.zip")
    first = bring(target, tmp_path / "runs.zip")
    before = state(target)
    again = bring(target, tmp_path / "runs.zip")
    assert (len(first.runs), first.blobs) == (2, 3 + of_code(source))
    assert (again.runs, len(again.present), again.blobs) == ({}, 2, 0)
    assert state(target) == before
    assert bring(source, tmp_path / "runs.zip").runs == {}
    # What a person wrote to a run here is theirs, and makes it no other run.
    with target.writing() as connection:
        connection.execute(schema.runs.update().values(notes="mine", tags=["kept"], archived=True))
    assert bring(target, tmp_path / "runs.zip").runs == {}
    assert target.run(run).notes == "mine"


def test_a_run_that_is_here_with_other_content_is_refused_or_comes_as_new(
    source: Project, target: Project, tmp_path: Path
) -> None:
    run = fill(source)
    export(source, tmp_path / "before.zip")
    bring(target, tmp_path / "before.zip")
    with vx.Run(resume=run, project=source.root) as resumed:
        resumed.log({"loss": 0.0}, step=9999)
    export(source, tmp_path / "after.zip")
    before = state(target)
    with pytest.raises(VoxloopError, match=rf"Run unet \({run}\) is here already with other content; .* --as-new"):
        bring(target, tmp_path / "after.zip")
    assert state(target) == before
    said = bring(target, tmp_path / "after.zip", as_new=True)
    new = said.runs[run]
    assert new != run
    assert {one.count for one in target.series_of(new, "loss")} == {5001}
    assert {one.count for one in target.series_of(run, "loss")} == {5000}
    assert [version.ref for version in target.used(new)] == ["data:v1"]
    # Once more it is known.
    assert bring(target, tmp_path / "after.zip", as_new=True).runs == {}
    assert target.count_runs() == 3


def test_a_version_whose_number_is_taken_gets_the_next_and_aliases_do_not_move(
    source: Project, target: Project, tmp_path: Path
) -> None:
    fill(source)
    fill(target, "own", b"their own weights")
    target.alias("m:v1", "production")
    with target.writing() as connection:
        aliases.remove(connection, "m", "latest")
    export(source, tmp_path / "runs.zip")
    said = bring(target, tmp_path / "runs.zip")
    assert said.versions == {"data:v1": "data:v1", "m:v1": "m:v2"}
    assert {version.ref: version.aliases for version in target.artifacts("m")} == {
        "m:v1": ("best", "production"),
        "m:v2": ("latest",),
    }
    run = next(one for one in target.runs() if one.name == "unet")
    assert [version.ref for version in target.made(run.id)] == ["m:v2"]


def test_a_deleted_number_comes_back_only_with_its_own_content(
    source: Project, target: Project, tmp_path: Path
) -> None:
    fill(source)
    export(source, tmp_path / "runs.zip")
    for own, expected in ((b"weights", "m:v1"), (b"other", "m:v2")):
        with open_project(tmp_path / own.decode(), create=True) as project:
            fill(project, weights=own)
            with project.writing() as connection:
                retention.delete(connection, project.artifact("m:v1"), force=True)
            assert bring(project, tmp_path / "runs.zip").versions["m:v1"] == expected
    # And where the archive itself only remembers a version, nobody else gets its number.
    with source.writing() as connection:
        retention.delete(connection, source.artifact("data:v1"), force=True)
    export(source, tmp_path / "gone.zip")
    bring(target, tmp_path / "gone.zip")
    (tmp_path / "new").write_bytes(b"new scans")
    assert target.save(tmp_path / "new", "data", "dataset", None).ref == "data:v2"


def test_a_running_run_is_refused_by_name_and_left_out_of_all(source: Project, tmp_path: Path) -> None:
    fill(source)
    with vx.Run(name="at work", project=source.root) as run:
        run.flush()
        with pytest.raises(VoxloopError, match="Run at work is still running; wait until it ends"):
            export(source, tmp_path / "runs.zip", run.id)
        assert not list(tmp_path.glob("*.zip"))
        said = export(source, tmp_path / "runs.zip")
    assert said.running == (run.id,)
    assert run.id not in said.runs


def test_without_blobs_numbers_travel_and_what_is_missing_is_counted(
    source: Project, target: Project, tmp_path: Path
) -> None:
    run = fill(source)
    export(source, tmp_path / "runs.zip", blobs=False)
    assert bring(target, tmp_path / "runs.zip").missing_blobs == 3
    assert target.series_of(run, "loss")[0].count == 5000
    export(source, tmp_path / "whole.zip")
    assert bring(target, tmp_path / "whole.zip").missing_blobs == 0
    assert state(target) == state(source)


def test_what_is_damaged_is_not_exported(source: Project, tmp_path: Path) -> None:
    run = fill(source)
    path = source.blobs.path(source.media_of(run)[0].data["image"]["digest"])
    path.chmod(0o644)
    path.write_bytes(b"x")
    with pytest.raises(VoxloopError, match=rf"scan at step 1 of run {run} is damaged"):
        export(source, tmp_path / "runs.zip")
    with source.writing() as connection:
        connection.execute(schema.chunks.update().where(schema.chunks.c.number == 0).values(data=b"no chunk"))
    with pytest.raises(VoxloopError, match=r"Nothing was exported: .* has a chunk that cannot be read"):
        export(source, tmp_path / "runs.zip", blobs=False)
    with pytest.raises(VoxloopError, match="is already there"):
        export(source, path)
    assert not list(tmp_path.glob("*.zip"))
    assert not list(tmp_path.glob(".partial*"))


# Hostile archives


def members(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path: Path, content: Members) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            packing = zipfile.ZIP_STORED if name.startswith("blobs/") else zipfile.ZIP_DEFLATED
            archive.writestr(name, data, packing)


def rows(content: Members, table: str, change: Callable[[list[dict[str, Any]]], Any]) -> None:
    """Changes a table, and the manifest with it."""
    name = f"tables/{table}.jsonl"
    found = [json.loads(line) for line in content[name].splitlines()]
    change(found)
    content[name] = "".join(json.dumps(row) + "\n" for row in found).encode()
    manifest(content, rows={**json.loads(content["manifest.json"])["rows"], table: len(found)})


def first(table: str, **columns: Any) -> Callable[[Members], None]:
    return lambda content: rows(content, table, lambda found: found[0].update(columns))


def more(table: str, **columns: Any) -> Callable[[Members], None]:
    return lambda content: rows(content, table, lambda found: found.append({**found[0], **columns}))


def manifest(content: Members, **said: Any) -> None:
    content["manifest.json"] = json.dumps({**json.loads(content["manifest.json"]), **said}).encode()


def named(name: str, data: bytes = b"x") -> Callable[[Members], None]:
    return lambda content: content.update({name: data})


def without(beginning: str) -> Callable[[Members], None]:
    def change(content: Members) -> None:
        del content[next(name for name in content if name.startswith(beginning))]

    return change


def without_a_needed_blob(content: Members) -> None:
    """Not one that only says with what code a run ran: a run can be read without it."""
    told = content["tables/runs.jsonl"].decode()
    del content[next(name for name in content if name.startswith("blobs/") and name.removeprefix("blobs/") not in told)]


def another_blob(content: Members) -> None:
    content[next(name for name in content if name.startswith("blobs/"))] = b"something else"


def escaping_version(path: str) -> Callable[[Members], None]:
    def change(content: Members) -> None:
        def turn(found: list[dict[str, Any]]) -> None:
            files = {path: next(iter(found[0]["files"].values()))}
            digest = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
            found[0].update(files=files, digest=digest)

        rows(content, "versions", turn)

    return change


HOSTILE: dict[str, tuple[Callable[[Members], None], str]] = {
    "a path that escapes": (named("../../evil.py"), "'../../evil.py', which is no part"),
    "an absolute path": (named("/etc/cron.d/evil"), "which is no part"),
    "a blob's name that is no digest": (named("blobs/../../evil"), "which is no part"),
    "a table that nobody knows": (named("tables/meta.jsonl"), "which is no part"),
    "a bomb": (named("tables/console.jsonl", b"\n" * 400_000_000), "as a bomb does"),
    "no manifest": (without("manifest"), "it lacks manifest.json"),
    "no table": (without("tables/media"), "it lacks tables/media.jsonl"),
    "another format": (lambda content: manifest(content, format="zip"), "is not that of an archive of runs"),
    "a manifest that is none": (named("manifest.json", b"[1]"), "its manifest cannot be read"),
    "a newer format": (lambda content: manifest(content, format_version=2), "newer voxloop; update voxloop"),
    "a newer schema": (lambda content: manifest(content, schema=999), "newer voxloop; update voxloop"),
    "wrong counts": (lambda content: manifest(content, rows=dict.fromkeys(schema.metadata.tables, 0)), "rows, and"),
    "a blob that is another": (another_blob, "is not what its name says"),
    "a blob that is missing": (without_a_needed_blob, "it lacks the blob of"),
    "a blob that nobody needs": (named("blobs/" + hashlib.sha256(b"x").hexdigest()), "nothing in it refers"),
    "no JSON": (named("tables/runs.jsonl", b"{'id': 1}\n"), "runs.jsonl, line 1 is no JSON"),
    "JSON without end": (named("tables/runs.jsonl", b"[" * 100_000), "line 1 is no JSON"),
    "deep JSON": (
        first("runs", params=json.loads('{"a":' * 300 + "1" + "}" * 300)),
        "line 1 has a params that does not fit",
    ),
    "a number of a million digits": (named("tables/runs.jsonl", b'{"id": ' + b"9" * 10**6 + b"}"), "is no JSON"),
    "a column that nobody knows": (first("runs", owner="me"), "unknown column 'owner'"),
    "a column that is missing": (first("series", name=None), "line 1 has a name that does not fit"),
    "a text for a number": (first("runs", created="now"), "line 1 has a created that does not fit"),
    "a number that no database holds": (first("media", step=2**63), "line 1 has a step that does not fit"),
    "a lone surrogate": (first("runs", notes="\ud800"), "line 1 has a notes that does not fit"),
    "infinite time": (first("runs", created=float("inf")), "line 1 has a created that does not fit"),
    "params that are a list": (first("runs", params=[1]), "the params of run"),
    "a running run": (first("runs", status="running"), "is running"),
    "an id that is a path": (
        first("runs", id="../../x"),
        "which is not there|has no proper id",
    ),
    "a series of nobody": (first("series", run_id="nobody"), "series has a row of the run nobody"),
    "a chunk of nobody": (first("chunks", series_id=999), "series 999, which is not there"),
    "a chunk that is none": (first("chunks", data=base64.b64encode(b"no chunk").decode()), "cannot be read"),
    "a chunk that is no base64": (first("chunks", data="!"), "has a data that does not fit"),
    "a chunk of another size": (first("chunks", size=7), "a chunk that is not what its row says"),
    "a series of another size": (first("series", size=3), "and its row says"),
    "a context that is a list": (first("series", context="[]"), "no proper context"),
    "the same run twice": (more("runs"), "runs.jsonl has two rows of the same id"),
    "the same series twice": (more("series", id=998), "two rows of the same run_id and name and context"),
    "a version with other files": (first("versions", digest="0" * 64), "are not what its digest says"),
    "a version that escapes": (escaping_version("../../evil.py"), "outside its folder"),
    "a version that is absolute": (escaping_version("/evil.py"), "outside its folder"),
    "a version with a path as name": (first("versions", name="../m"), "are not what its digest says"),
    "a version after which none can come": (first("versions", version=2**62), "are not what its digest says"),
    "a use of such a version": (first("uses", version=2**62), "holds no such run or name"),
    "an alias of nobody": (first("aliases", version=9), "points at a version that it does not hold"),
    "an alias that looks like a version": (first("aliases", alias="v9"), "cannot be an alias"),
    "a use by nobody": (first("uses", run_id="nobody"), "holds no such run"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_is_one_sentence_and_changes_nothing(
    source: Project, target: Project, tmp_path: Path, name: str
) -> None:
    fill(source)
    fill(target, "own", b"own")
    export(source, tmp_path / "runs.zip")
    change, expected = HOSTILE[name]
    content = members(tmp_path / "runs.zip")
    change(content)
    write(tmp_path / "hostile.zip", content)
    before, files = state(target), sorted(tmp_path.rglob("*"))
    with pytest.raises(VoxloopError, match=expected) as refused:
        bring(target, tmp_path / "hostile.zip")
    assert "\n" not in str(refused.value)
    assert state(target) == before
    assert sorted(tmp_path.rglob("*")) == files


@pytest.mark.parametrize("cut", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_archive_is_refused(source: Project, target: Project, tmp_path: Path, cut: float) -> None:
    fill(source)
    export(source, tmp_path / "runs.zip")
    whole = (tmp_path / "runs.zip").read_bytes()
    (tmp_path / "half.zip").write_bytes(whole[: int(len(whole) * cut)])
    before = state(target)
    with pytest.raises(VoxloopError, match="it is no zip file, or its end is missing"):
        bring(target, tmp_path / "half.zip")
    assert state(target) == before


@settings(max_examples=40, deadline=None)
@given(places=st.lists(st.tuples(st.floats(0, 0.999), st.integers(1, 255)), min_size=1, max_size=3))
def test_a_flipped_byte_is_refused_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, places: list[tuple[float, int]]
) -> None:
    """Whatever is hit, what is imported is what was exported, or nothing is."""
    folder = tmp_path_factory.mktemp("flip")
    (folder / "w").write_bytes(b"weights" * 20)
    with vx.Run(project=folder / "a", params={"lr": 1}) as run:
        run.log({"loss": 0.5})
        run.save(folder / "w", name="m")
    with open_project(folder / "a") as source, open_project(folder / "b", create=True) as target:
        export(source, folder / "runs.zip")
        content = bytearray((folder / "runs.zip").read_bytes())
        for place, mask in places:
            content[int(place * len(content))] ^= mask
        (folder / "runs.zip").write_bytes(content)
        before = state(target)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                bring(target, folder / "runs.zip")
        except VoxloopError:
            assert state(target) == before
        else:
            assert state(target) == state(source)


def test_members_that_lie_over_each_other_are_refused(source: Project, target: Project, tmp_path: Path) -> None:
    """The directory of a zip may say that one stretch of it is many members: a bomb of another kind."""
    fill(source)
    export(source, tmp_path / "runs.zip")
    with zipfile.ZipFile(tmp_path / "runs.zip", "a") as archive:
        big = archive.infolist()[0]
        for number in range(2000):
            info = zipfile.ZipInfo(f"blobs/{number:064x}")
            info.header_offset, info.CRC = big.header_offset, big.CRC
            info.compress_size = info.file_size = (tmp_path / "runs.zip").stat().st_size // 4
            archive.filelist.append(info)
        archive._didModify = True  # type: ignore[attr-defined]
    with pytest.raises(VoxloopError, match="its members are larger than itself"):
        bring(target, tmp_path / "runs.zip")


def test_an_encrypted_archive_is_refused(source: Project, target: Project, tmp_path: Path) -> None:
    fill(source)
    export(source, tmp_path / "runs.zip")
    content = bytearray((tmp_path / "runs.zip").read_bytes())
    directory = content.rindex(b"PK\1\2")
    struct.pack_into("<H", content, directory + 8, 1)
    (tmp_path / "runs.zip").write_bytes(content)
    with pytest.raises(VoxloopError, match="is encrypted or packed in another way"):
        bring(target, tmp_path / "runs.zip")


def test_a_path_where_nothing_is_is_a_sentence(target: Project, tmp_path: Path) -> None:
    with pytest.raises(VoxloopError, match="No archive of runs is at"):
        bring(target, tmp_path / "nowhere.zip")
