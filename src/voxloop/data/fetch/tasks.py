"""The ten tasks of the Medical Segmentation Decathlon, and how a person may call them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from voxloop.errors import VoxloopError

MIRROR = "https://msd-for-monai.s3-us-west-2.amazonaws.com"
LICENCE = "CC-BY-SA 4.0"
SOURCE = "Antonelli et al., The Medical Segmentation Decathlon, Nature Communications 2022"


@dataclass(frozen=True, slots=True)
class Task:
    """One task as it is published. `about_bytes` is rounded; the checksum is what says that an archive is the right one."""

    name: str
    shows: str
    modality: str
    training: int
    test: int
    about_bytes: int
    md5: str

    @property
    def archive(self) -> str:
        return f"{self.name}.tar"

    @property
    def subject(self) -> str:
        """`Task01_BrainTumour` is about `brain tumour`."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", self.name.partition("_")[2]).lower()


# Cases as in each archive's dataset.json; the checksums are those of monai.apps.DecathlonDataset.
TASKS = (
    Task(
        "Task01_BrainTumour",
        "oedema, non-enhancing and enhancing tumour",
        "MRI (FLAIR, T1w, T1gd, T2w)",
        484,
        266,
        7_610_000_000,
        "240a19d752f0d9e9101544901065d872",
    ),
    Task("Task02_Heart", "left atrium", "MRI", 20, 10, 456_000_000, "06ee59366e1e5124267b774dbd654057"),
    Task("Task03_Liver", "liver and its tumours", "CT", 131, 70, 28_900_000_000, "a90ec6c4aa7f6a3d087205e23d4e6397"),
    Task(
        "Task04_Hippocampus",
        "front and back of the hippocampus",
        "MRI",
        260,
        130,
        28_400_000,
        "9d24dba78a72977dbd1d2e110310f31b",
    ),
    Task(
        "Task05_Prostate",
        "peripheral and transition zone of the prostate",
        "MRI (T2, ADC)",
        32,
        16,
        240_000_000,
        "35138f08b1efaef89d7424d2bcc928db",
    ),
    Task("Task06_Lung", "lung tumours", "CT", 63, 32, 9_160_000_000, "8afd997733c7fc0432f71255ba4e52dc"),
    Task(
        "Task07_Pancreas",
        "pancreas and its tumours",
        "CT",
        281,
        139,
        12_300_000_000,
        "4f7080cfca169fa8066d17ce6eb061e4",
    ),
    Task(
        "Task08_HepaticVessel",
        "vessels of the liver and tumours",
        "CT",
        303,
        140,
        9_320_000_000,
        "641d79e80ec66453921d997fbf12a29c",
    ),
    Task("Task09_Spleen", "spleen", "CT", 41, 20, 1_610_000_000, "410d4a301da4e5b2f6f86ec3ddba524e"),
    Task("Task10_Colon", "colon cancer", "CT", 126, 64, 6_280_000_000, "bad7a188931dc2f6acf72b08eb6202d0"),
)


def find_task(said: str, tasks: Sequence[Task] = TASKS) -> Task:
    """The task that `Task09_Spleen`, `Task09`, `09`, `9` or `spleen` means."""
    word = _plain(said.removesuffix(".tar"))
    known = {call: task for task in tasks for call in _calls(task)}
    if word in known:
        return known[word]
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    hint = f'did you mean "{known[near[0]].name}"?' if near else 'see "voxloop data fetch --list".'
    raise VoxloopError(f'No task of the Decathlon is called "{said}"; {hint}')


def _calls(task: Task) -> list[str]:
    number, subject = task.name.partition("_")[0].removeprefix("Task"), _plain(task.subject)
    short = str(int(number))
    return [_plain(task.name), f"task{short}{subject}", f"task{number}", f"task{short}", number, short, subject]


def _plain(said: str) -> str:
    return re.sub(r"[^a-z0-9]", "", said.casefold()).replace("tumor", "tumour")
