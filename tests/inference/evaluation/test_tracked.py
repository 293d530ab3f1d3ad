"""An evaluation is a run that remembers what it judged and what it found; a comparison is one of its own."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from tests.inference.evaluation.made import make_dataset, save, second_reading
from voxloop.errors import VoxloopError
from voxloop.inference.evaluation import Contest, evaluate_several, evaluate_tracked
from voxloop.inference.evaluation.document import schema
from voxloop.inference.evaluation.resampling import Resampling
from voxloop.inference.evaluation.statistics import summarise
from voxloop.inference.evaluation.tracked import Asked
from voxloop.inference.metrics import METRICS
from voxloop.store import Project, open_project

HOW = Resampling(resamples=200)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("work")
    dataset = make_dataset(folder / "Tiny", patients={"case_0": "P", "case_1": "P"})
    second_reading(dataset, folder / "anna", wrong=0.05)
    second_reading(dataset, folder / "ben", wrong=0.3, seed=1)
    (folder / "anna" / "case_3.nii.gz").write_bytes(b"damaged")
    return folder


@pytest.fixture(scope="module")
def contest(folder: Path) -> Contest:
    with open_project(folder, create=True) as project:
        asked = Asked(folder / "Tiny", part="all", how=HOW)
        return evaluate_several([str(folder / name) for name in ("anna", "ben")], project, asked)


@pytest.fixture
def project(folder: Path, contest: Contest) -> Project:
    return open_project(folder)


def stored(project: Project, reference: str) -> Any:
    version = project.artifact(reference)
    return json.loads((project.materialise(version) / "evaluation.json").read_text())


def test_each_is_a_run_with_every_figure(project: Project, contest: Contest) -> None:
    run = project.run("evaluate ben")
    assert (run.experiment, run.status) == ("evaluation", "finished")
    kept = {key: run.params[key] for key in ("model", "split", "part", "tolerance_mm", "surface", "seed")}
    assert kept == {
        "model": "ben",
        "split": "default",
        "part": "all",
        "tolerance_mm": 2.0,
        "surface": "elements",
        "seed": 0,
    }
    (result,) = (one for one in contest.evaluations if one.model == "ben")
    for metric in METRICS:
        tracked = {
            (one.context["case"], one.context["class"]): one.last
            for one in project.series_of(run.id, f"eval/{metric.key}")
        }
        expected = {
            (case.case, one.name): pytest.approx(one.values[metric.key])
            for case in result.cases
            for one in case.classes
            if math.isfinite(one.values[metric.key])
        }
        assert tracked == expected
    means = {one.context.get("class"): one.last for one in project.series_of(run.id, "eval/mean_dice")}
    summary = summarise(result, HOW)
    assert means.pop(None) == pytest.approx(result.mean_dice)
    assert means == pytest.approx({name: each["dice"].mean for name, each in summary.items()})
    scans = project.media_of(run.id, kind="volume", name="eval/scan")
    assert {one.context["case"] for one in scans} == {case.case for case in result.cases}
    assert [layer["name"] for layer in scans[0].data["layers"]] == ["truth", "prediction"]
    assert scans[0].data["classes"] == {"1": "spleen", "2": "liver"}


def test_its_figures_are_found_through_the_lineage(project: Project) -> None:
    """From a dataset, or a model, to the runs that used it, to the evaluations that these made."""
    users = project.users(project.artifact("Tiny:latest"))
    made = [version for run in users for version in project.made(run) if version.kind == "evaluation"]
    assert {version.name for version in made} >= {"anna-evaluation", "ben-evaluation"}
    assert project.artifact("ben-evaluation:v1").metadata["complete"] is True
    document = stored(project, "ben-evaluation:v1")
    assert (document["voxloop"], document["version"], document["model"]) == ("evaluation", 1, "ben")
    assert document["dataset"] == {"name": "Tiny", "ref": "Tiny:v1"}
    assert (document["split"], document["part"]) == ("default", "all")


def test_the_documents_keep_to_their_schema(project: Project, contest: Contest) -> None:
    validator = jsonschema.Draft202012Validator(schema())
    validator.check_schema(schema())
    for document in (
        stored(project, "ben-evaluation:v1"),
        stored(project, "anna-evaluation:v1"),
        stored(project, "comparison:v1"),
    ):
        validator.validate(document)
    assert not validator.is_valid({**stored(project, "ben-evaluation:v1"), "cases": [{"case": "case_0"}]})
    assert stored(project, "comparison:v1") == contest.as_dict(HOW)
    one = Contest((contest.evaluations[1],))
    assert one.as_dict(HOW) == stored(project, "ben-evaluation:v1")


def test_a_document_holds_the_figures_and_no_path(folder: Path, project: Project, contest: Contest) -> None:
    document = stored(project, "ben-evaluation:v1")
    assert str(folder) not in json.dumps(
        [stored(project, name) for name in ("ben-evaluation:v1", "anna-evaluation:v1", "comparison:v1")]
    )
    result = contest.evaluations[1]
    assert [case["case"] for case in document["cases"]] == [case.case for case in result.cases], "worst first"
    assert {case["case"]: case["patient"] for case in document["cases"]} == result.patients()
    column = [case["classes"]["liver"]["dice"] for case in document["cases"]]
    said = document["summary"]["liver"]["dice"]
    assert said["mean"] == pytest.approx(np.mean(column))
    assert said["sd"] == pytest.approx(np.std(column, ddof=1))
    assert [said["q1"], said["median"], said["q3"]] == pytest.approx(np.percentile(column, [25, 50, 75]))
    assert (said["n"], said["absent"]) == (4, 0)
    assert said["ci"][0] < said["mean"] < said["ci"][1]
    assert document["statistics"]["unit"] == "patient"
    assert {key: one["better"] for key, one in document["metrics"].items()} == {one.key: one.better for one in METRICS}


def test_what_failed_stays_with_the_run(project: Project) -> None:
    run = project.run("evaluate anna")
    assert (run.status, run.tags) == ("finished", ("incomplete",))
    assert run.notes.startswith("Without figures: case_3: case_3.nii.gz")
    document = stored(project, "anna-evaluation:v1")
    assert document["complete"] is False
    assert [one["case"] for one in document["failed"]] == ["case_3"]
    assert project.artifact("anna-evaluation:v1").metadata["complete"] is False


def test_the_comparison_is_a_run_that_used_both_evaluations(project: Project, contest: Contest) -> None:
    run = project.run("compare anna, ben")
    assert [version.ref for version in project.used(run.id)] == ["anna-evaluation:v1", "ben-evaluation:v1"]
    assert [version.name for version in project.made(run.id)] == ["comparison"]
    assert run.params["models"] == ["anna", "ben"]
    dice = [one for one in contest.comparisons if one.metric.key == "dice"]
    assert [(one.name, one.cases, one.units, one.unit, one.favours) for one in dice] == [
        (name, 3, 2, "patient", "anna") for name in ("spleen", "liver")
    ], "on the three cases that both have figures for, of two patients"
    assert not contest.complete


def test_the_same_evaluation_again_is_the_same_version(folder: Path, project: Project) -> None:
    again = evaluate_tracked(str(folder / "ben"), folder / "Tiny", project, part="all", how=HOW, name="again")
    assert project.made(project.run("again").id) == []
    assert again.as_dict()["cases"] == stored(project, "ben-evaluation:v1")["cases"]


def test_a_candidate_that_cannot_be_evaluated_leaves_the_others(folder: Path, project: Project) -> None:
    save(folder / "odd" / "case_0.nii.gz", np.zeros((2, 2, 2), np.uint8))
    asked = Asked(folder / "Tiny", part="all", how=HOW)
    (folder / "broken" / "configs").mkdir(parents=True)
    (folder / "broken" / "models").mkdir()
    (folder / "broken" / "models" / "model.pt").write_bytes(b"no weights")
    (folder / "broken" / "configs" / "inference.json").write_text("{")
    found = evaluate_several([str(folder / name) for name in ("odd", "broken", "ben")], project, asked, name="two")
    assert [one.model for one in found.evaluations] == ["ben"]
    assert [one.case for one in found.failed] == ["broken", "odd"]
    assert found.failed[1].why.startswith("odd: none of 4 cases could be scored; the first: ")
    assert project.run("two: odd").status == "failed"
    assert not found.complete
    jsonschema.validate(found.as_dict(HOW), schema())


def test_an_interrupted_evaluation_keeps_the_cases_that_were_done(folder: Path, project: Project) -> None:
    def interrupted(done: int, total: int, what: str) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate_tracked(
            str(folder / "ben"), folder / "Tiny", project, part="all", name="stopped", progress=interrupted, how=HOW
        )
    run = project.run("stopped")
    assert run.status == "interrupted"
    assert len({one.context["case"] for one in project.series_of(run.id, "eval/dice")}) == 2
    assert project.made(run.id) == []


def test_a_model_and_a_person_are_compared_by_the_models_regions(folder: Path, project: Project) -> None:
    """Though the person's label maps are named first, and hold tissues; the model's figures are found from the model."""
    from tests.inference.evaluation.bundles import make_bundle

    project.save(make_bundle(folder / "bundle"), "regions", "model", None, ["best"])
    # Its network is a class of these tests.
    asked = Asked(folder / "Tiny", part="all", how=HOW, trust=lambda program: None)
    found = evaluate_several([str(folder / "ben"), "regions:best"], project, asked, name="against ben")
    person, model = found.evaluations
    assert (person.model, model.model) == ("ben", "regions:v1")
    assert person.classes == model.classes == ("both", "liver")
    assert {one.dice for case in model.cases for one in case.classes} == {1.0}
    assert {one.favours for one in found.comparisons if one.metric.key == "dice"} == {"regions:v1"}
    (run_id,) = project.users(project.artifact("regions:best"))
    assert [version.ref for version in project.made(run_id)] == ["regions-evaluation:v1"]
    assert project.run(run_id).name == "against ben: regions:v1"
    with pytest.raises(VoxloopError, match="regions:v1 is named twice"):
        evaluate_several(["regions:v1", "regions:best"], project, asked)
