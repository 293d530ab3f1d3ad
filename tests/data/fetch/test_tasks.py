"""The ten tasks are those of MONAI, and each answers to its short names."""

from __future__ import annotations

import pytest

from voxloop.data.fetch.tasks import MIRROR, TASKS, find_task
from voxloop.errors import VoxloopError


def test_the_table_is_that_of_monai() -> None:
    from monai.apps import DecathlonDataset

    assert {task.name: task.md5 for task in TASKS} == DecathlonDataset.md5
    assert {task.name: f"{MIRROR}/{task.archive}" for task in TASKS} == DecathlonDataset.resource


@pytest.mark.parametrize("number", range(1, 11))
def test_a_task_answers_to_number_and_subject(number: int) -> None:
    task = TASKS[number - 1]
    subject = task.name.partition("_")[2]
    said = [str(number), f"{number:02}", f"Task{number:02}", f"task{number}", subject, subject.lower(), task.subject]
    for one in [*said, task.name, task.name.lower(), f"Task{number}_{subject}", task.archive]:
        assert find_task(one) is task


def test_the_american_tumor_is_known() -> None:
    assert find_task("brain tumor") is find_task("Task01_BrainTumor") is TASKS[0]


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("spleeen", 'did you mean "Task09_Spleen"'),
        ("Task9_Splen", 'did you mean "Task09_Spleen"'),
        ("Task03_Spleen", 'did you mean "Task09_Spleen"'),
        ("pancreatic", 'did you mean "Task07_Pancreas"'),
        ("Task11", 'did you mean "Task'),
        ("", "--list"),
        ("xyz", "--list"),
    ],
)
def test_a_wrong_name_is_refused_with_the_nearest(said: str, hint: str) -> None:
    with pytest.raises(VoxloopError, match=hint):
        find_task(said)
