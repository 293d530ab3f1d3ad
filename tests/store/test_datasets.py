"""A dataset is an artifact: its versions follow its content, runs remember which they used, and a version is found again or refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import voxloop as vx
from tests.data.importing.sources import label, loose, scan
from voxloop.data.decathlon import read_dataset, split_cases
from voxloop.data.dividing import divide, extend_all
from voxloop.data.importing import Wanted, bring_in
from voxloop.data.manifest import read_manifest
from voxloop.data.splits import Rule
from voxloop.errors import VoxloopError
from voxloop.store import Project, open_project
from voxloop.store.artifacts import datasets

SPLEEN = Wanted(names={1: "spleen"}, modality=("CT",))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return open_project(tmp_path / "project", create=True)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return loose(tmp_path / "source", [f"case_{number}" for number in range(5)])


@pytest.fixture
def folder(source: Path, tmp_path: Path) -> Path:
    return bring_in(source, tmp_path / "dataset", "spleen", wanted=SPLEEN).folder


def test_versions_follow_the_content(project: Project, source: Path, folder: Path) -> None:
    first = datasets.record(project, folder)
    assert (first.ref, first.kind, first.aliases) == ("spleen:v1", "dataset", ("latest",))
    assert datasets.record(project, folder).ref == "spleen:v1"
    label(source / "labels/case_3_seg.nii.gz", (1, 1))
    assert datasets.record(project, folder).ref == "spleen:v2"
    divide(folder, "cv", Rule(5))
    assert datasets.record(project, folder).ref == "spleen:v3"
    assert datasets.record(project, folder).aliases == ("latest",)


def test_a_version_holds_words_and_never_scans(project: Project, source: Path, folder: Path) -> None:
    version = datasets.record(project, folder)
    assert set(version.files) == {"dataset.json", "manifest.json", "splits.json"}
    shutil.rmtree(source)
    shutil.rmtree(folder)
    manifest = datasets.manifest(project, version)
    assert [case.id for case in manifest.cases] == [f"case_{number}" for number in range(5)]
    assert manifest.labels == {0: "background", 1: "spleen"}


def test_lineage_leads_from_data_to_runs_and_back(tmp_path: Path, folder: Path) -> None:
    with vx.Run(name="user", project=tmp_path) as run, open_project(tmp_path) as project:
        version = datasets.use(project, run.id, folder)
        datasets.use(project, run.id, folder)
    with open_project(tmp_path) as project:
        assert [one.ref for one in project.used(run.id)] == [version.ref]
        assert project.users(version) == [run.id]
        assert {node.id for node in project.lineage(version.ref).nodes} == {version.ref, run.id}
        assert datasets.versions(project, "spleen")[0]["used_by"] == 1


def test_a_version_is_found_again_where_it_was(project: Project, folder: Path, tmp_path: Path) -> None:
    datasets.record(project, folder)
    assert datasets.folder_of(project, "spleen:v1") == folder.resolve()
    assert datasets.folder_of(project, "spleen:latest") == folder.resolve()
    assert datasets.folder_of(project, str(folder)) == folder
    moved = tmp_path / "moved"
    folder.rename(moved)
    with pytest.raises(VoxloopError, match=r"spleen:v1 was in .*is not there now"):
        datasets.folder_of(project, "spleen:v1")
    assert datasets.record(project, moved).ref == "spleen:v1"
    assert datasets.folder_of(project, "spleen:v1") == moved.resolve()


def test_a_version_whose_files_have_changed_is_refused_by_case(project: Project, source: Path, folder: Path) -> None:
    datasets.record(project, folder)
    label(source / "labels/case_3_seg.nii.gz", (1, 1))
    scan(source / "images/case_4_ct.nii.gz", seed=77)
    with pytest.raises(VoxloopError, match=r'the label of the case "case_3" has changed \(and 1 more\)'):
        datasets.folder_of(project, "spleen:v1")
    with pytest.raises(VoxloopError, match="case_3"):
        datasets.folder_of(project, "spleen:latest")


def test_a_version_that_has_grown_since_is_still_had_as_it_was(project: Project, source: Path, folder: Path) -> None:
    first = datasets.record(project, folder)
    split = split_cases(folder)
    loose(source, ["case_5", "case_6"])
    bring_in(source, folder)
    extend_all(folder)
    assert datasets.record(project, folder).ref == "spleen:v2"
    view = datasets.folder_of(project, "spleen:v1")
    assert view != folder
    assert len(read_dataset(view).training) == 5
    assert [pair["case"] for pair in split_cases(view)["validation"]] == [pair["case"] for pair in split["validation"]]
    assert read_manifest(view).as_text() == datasets.manifest(project, first).as_text()
    # Trained on, it is the version that it shows.
    assert datasets.record(project, view).ref == "spleen:v1"
    assert datasets.folder_of(project, "spleen:v1") == view
    assert datasets.folder_of(project, "spleen:v2") == folder.resolve()


def test_a_view_keeps_scans_of_several_files(project: Project, tmp_path: Path) -> None:
    source = tmp_path / "brains"
    for case in "ab":
        for channel in ("t1", "t2"):
            scan(source / case / f"{case}_{channel}.nii.gz", ord(case) + len(channel))
        label(source / case / f"{case}_seg.nii.gz")
    folder = bring_in(source, tmp_path / "out", "brain", wanted=Wanted(names={1: "tumour"})).folder
    first = datasets.record(project, folder)
    divide(folder, "half", Rule(2))
    view = datasets.locate(project, first)
    assert view != folder
    assert read_manifest(view).as_text() == read_manifest(folder).as_text()


def test_a_model_of_the_same_name_is_left_alone(project: Project, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(b"weights")
    project.save(tmp_path / "weights", "spleen", "model", None)
    assert datasets.record(project, folder).ref == "spleen-data:v1"
    with pytest.raises(VoxloopError, match="is a model, not a dataset"):
        datasets.folder_of(project, "spleen:v1")


@pytest.mark.parametrize(("said", "part"), [("splen:v1", 'did you mean "spleen"'), ("spleen:v9", "it has: v1, latest")])
def test_a_version_that_is_not_there_is_told_with_what_is(project: Project, folder: Path, said: str, part: str) -> None:
    datasets.record(project, folder)
    with pytest.raises(VoxloopError, match=part):
        datasets.folder_of(project, said)
