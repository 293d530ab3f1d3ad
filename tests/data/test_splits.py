"""A split is a partition that no order of files decides; patients stay whole, and later cases move no earlier one."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.test_decathlon import dataset
from voxloop.data import folds
from voxloop.data.decathlon import split_cases
from voxloop.data.dividing import divide, extend_all
from voxloop.data.splits import Rule, Split, read_splits, write_splits
from voxloop.errors import VoxloopError

# Patients with one to four scans each, and cases whose patient nobody knows.
patients = st.dictionaries(
    st.integers(0, 999).map(lambda number: f"case_{number}"),
    st.one_of(st.none(), st.integers(0, 12).map(lambda number: f"patient_{number}")),
    min_size=12,
    max_size=60,
).filter(lambda found: len({who or case for case, who in found.items()}) >= 8)
rules = st.builds(
    Rule,
    folds=st.sampled_from([0, 2, 3, 5]),
    by=st.sampled_from(["patient", "case"]),
    seed=st.integers(0, 3),
    val_fraction=st.sampled_from([0.1, 0.2, 0.5]),
    test_fraction=st.sampled_from([0.0, 0.2]),
)
law = settings(deadline=None, max_examples=60)


def home(splits: dict[str, Split]) -> dict[str, str]:
    """Where each case is held: the fold that it validates in, or its part."""
    return {
        case: name if part == "validation" else part
        for name, split in splits.items()
        for part, ids in split.parts.items()
        if len(splits) == 1 or part != "training"
        for case in ids
    }


@law
@given(patients, rules)
def test_every_split_is_a_partition(found: dict[str, str | None], rule: Rule) -> None:
    for split in folds.make("cv", found, rule).values():
        assert Counter(case for ids in split.parts.values() for case in ids) == Counter(found.keys())
        assert all(split.parts.values())


@law
@given(patients, rules.filter(lambda rule: rule.folds > 0))
def test_each_case_validates_once_over_the_folds_or_is_kept_for_the_test(
    found: dict[str, str | None], rule: Rule
) -> None:
    made = folds.make("cv", found, rule)
    assert list(made) == [f"cv/{fold}" for fold in range(rule.folds)]
    tests = [set(split.parts.get("test", [])) for split in made.values()]
    assert all(test == tests[0] for test in tests)
    validated = Counter(case for split in made.values() for case in split.parts["validation"])
    assert validated == Counter(found.keys() - tests[0])


@law
@given(patients, rules)
def test_no_patient_is_in_two_parts(found: dict[str, str | None], rule: Rule) -> None:
    made = folds.make("cv", found, Rule(rule.folds, "patient", rule.seed, rule.val_fraction, rule.test_fraction))
    where = home(made)
    for patient in {who for who in found.values() if who}:
        assert len({where[case] for case, who in found.items() if who == patient}) == 1


@law
@given(patients, rules, st.randoms())
def test_no_order_of_files_decides(found: dict[str, str | None], rule: Rule, chance: random.Random) -> None:
    shuffled = list(found.items())
    chance.shuffle(shuffled)
    assert folds.make("cv", dict(shuffled), rule) == folds.make("cv", found, rule)


@law
@given(patients, patients, rules)
def test_later_cases_find_a_place_and_move_no_earlier_one(
    found: dict[str, str | None], later: dict[str, str | None], rule: Rule
) -> None:
    made = folds.make("cv", found, rule)
    more = {**later, **found}
    grown = folds.extend("cv", made, more)
    before, after = home(made), home(grown)
    assert {case: after[case] for case in before} == before
    assert set(after) == set(more)
    if rule.by == "patient":
        for patient in {who for who in more.values() if who}:
            assert len({after[case] for case, who in more.items() if who == patient}) == 1
    assert folds.extend("cv", grown, more) == grown


@law
@given(st.integers(10, 80), st.integers(2, 10), st.integers(0, 99))
def test_folds_of_single_cases_differ_by_one_at_most(count: int, many: int, seed: int) -> None:
    found = dict.fromkeys((f"case_{number}" for number in range(count)), None)
    sizes = [len(one.parts["validation"]) for one in folds.make("cv", found, Rule(many, seed=seed)).values()]
    assert max(sizes) - min(sizes) <= 1


def test_another_seed_divides_otherwise() -> None:
    found = dict.fromkeys((f"case_{number}" for number in range(40)), None)
    assert home(folds.make("cv", found, Rule(5, seed=0))) != home(folds.make("cv", found, Rule(5, seed=1)))


def test_the_default_split_keeps_patients_whole(tmp_path: Path) -> None:
    cases = [f"p{who}_{scan}" for who in range(5) for scan in "ab"]
    training = [
        {"image": f"./imagesTr/{case}.nii.gz", "label": f"./labelsTr/{case}.nii.gz", "patient": case[:2]}
        for case in cases
    ]
    parts = split_cases(dataset(tmp_path, cases, training=training))
    assert len(parts["validation"]) == 2
    assert len({pair["case"][:2] for pair in parts["validation"]}) == 1


# On disk


def test_a_stored_split_is_not_made_anew_by_itself(tmp_path: Path) -> None:
    folder = dataset(tmp_path, [f"case_{number}" for number in range(10)])
    first = divide(folder, "cv", Rule(5))
    assert divide(folder, "cv", Rule(5)) == first
    with pytest.raises(VoxloopError, match='has a split "cv" already'):
        divide(folder, "cv", Rule(5, seed=1))
    assert read_splits(folder) == first
    assert divide(folder, "cv", Rule(3, seed=1), force=True) == read_splits(folder)


def test_a_fold_is_trained_on_as_any_named_split(tmp_path: Path) -> None:
    folder = dataset(tmp_path, [f"case_{number}" for number in range(10)])
    divide(folder, "cv", Rule(4, test_fraction=0.2))
    parts = split_cases(folder, "cv/3")
    assert {part: len(pairs) for part, pairs in parts.items()} == {"training": 6, "validation": 2, "test": 2}
    with pytest.raises(VoxloopError, match='Did you mean "cv/'):
        split_cases(folder, "cv/9")


def test_cases_that_came_later_are_put_in_when_asked_for(tmp_path: Path) -> None:
    folder = dataset(tmp_path, [f"case_{number}" for number in range(10)])
    divide(folder, "cv", Rule(5))
    split_cases(folder)
    hand = Split({"training": ["case_1"], "validation": ["case_2"]})
    write_splits(folder, {**read_splits(folder), "by-hand": hand})
    dataset(tmp_path, [f"case_{number}" for number in range(15)])
    _, new = extend_all(folder)
    assert new == 5
    stored = read_splits(folder)
    assert [len(stored[f"cv/{fold}"].parts["validation"]) for fold in range(5)] == [3] * 5
    assert len(stored["default"].parts["validation"]) == 3
    assert stored["by-hand"] == hand
    with pytest.raises(VoxloopError, match="written by hand"):
        extend_all(folder, "by-hand")


def test_a_patient_in_two_parts_of_a_stored_split_is_refused(tmp_path: Path) -> None:
    training = [
        {"image": f"./imagesTr/{case}.nii.gz", "label": f"./labelsTr/{case}.nii.gz", "patient": "Anna"}
        for case in ("a", "b")
    ]
    folder = dataset(tmp_path, ["a", "b"], training=training)
    write_splits(folder, {"s": Split({"training": ["a"], "validation": ["b"]})})
    with pytest.raises(VoxloopError, match='patient "Anna" in training'):
        split_cases(folder, "s")
    divide(folder, "cases", Rule(2, by="case"))
    assert split_cases(folder, "cases/0")["validation"]


@pytest.mark.parametrize(
    ("rule", "part"),
    [
        (Rule(1), "1 folds"),
        (Rule(50), "cannot be divided into 50"),
        (Rule(0, val_fraction=0.0), "Fractions"),
        (Rule(0, val_fraction=0.6, test_fraction=0.5), "Fractions"),
        (Rule(2, by="scanner"), "by patient or by case"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(tmp_path: Path, rule: Rule, part: str) -> None:
    folder = dataset(tmp_path, [f"case_{number}" for number in range(10)])
    with pytest.raises(VoxloopError, match=part):
        divide(folder, "cv", rule)
    assert not (folder / "splits.json").exists()


@pytest.mark.parametrize("made", [{"folds": "many"}, {"folds": 2, "val_fraction": []}, {"by": 3}])
def test_a_rule_that_somebody_spoilt_is_told(tmp_path: Path, made: Any) -> None:
    folder = dataset(tmp_path, ["a", "b", "c"])
    (folder / "splits.json").write_text(json.dumps({"s": {"training": ["a"], "validation": ["b"], "made": made}}))
    with pytest.raises(VoxloopError, match=r"made|by patient"):
        extend_all(folder, "s")
