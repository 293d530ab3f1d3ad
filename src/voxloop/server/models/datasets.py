"""Datasets as the API tells them: their versions, cases, checks and views."""

from __future__ import annotations

from voxloop.server.models.answer import Answer


class DatasetFolder(Answer):
    """Where a dataset was recorded, and whether it is there now."""

    path: str
    there: bool


class DatasetSummary(Answer):
    """What is worth knowing of a version at a glance; `splits` counts the cases of each part."""

    name: str
    ref: str
    version: int
    created: float
    cases: int
    patients: int
    test: int
    labels: dict[str, str]
    modality: dict[str, str]
    scan_bytes: int
    splits: dict[str, dict[str, int]]
    folders: list[DatasetFolder]
    versions: int
    used_by: int


class DatasetRun(Answer):
    """A run that used a version."""

    id: str
    name: str
    status: str
    created: float


class DatasetDifference(Answer):
    """What came, went and changed since the version before, by case; `words` is about labels, modality and splits."""

    added: list[str]
    removed: list[str]
    rescanned: list[str]
    relabelled: list[str]
    words: list[str]


class DatasetVersion(Answer):
    """One version; without a difference it is the first."""

    version: int
    ref: str
    aliases: list[str]
    created: float
    cases: int
    patients: int
    test: int
    scan_bytes: int
    there: bool
    runs: list[DatasetRun]
    difference: DatasetDifference | None


class DatasetLeak(Answer):
    """A patient with scans in more than one part of a split."""

    patient: str
    parts: dict[str, list[str]]


class DatasetSplit(Answer):
    """A named split: how it was made, its parts in numbers, and what is wrong with it."""

    name: str
    made: dict[str, str | int | float | None]
    parts: dict[str, int]
    left_out: int
    unknown: list[str]
    leaks: list[DatasetLeak]


class Dataset(DatasetSummary):
    """One version of a dataset, with all of its versions."""

    aliases: list[str]
    all_versions: list[DatasetVersion]
    split_list: list[DatasetSplit]


class Spread(Answer):
    """Intensities: the 0.5, 50 and 99.5 percentiles, and the mean."""

    low: float
    median: float
    high: float
    mean: float


class ChannelSpread(Answer):
    """Of all voxels, and of those in the foreground."""

    all: Spread | None
    foreground: Spread | None


class ClassAmount(Answer):
    """How much there is of a class; `under` is the median intensity under it, in each channel."""

    voxels: int
    ml: float | None
    under: list[float | None]


class CaseNumbers(Answer):
    """What a check saw of a case."""

    shape: list[int]
    channels: int
    spacing_mm: list[float]
    size_mm: list[float]
    orientation: str
    dtype: str
    intensity: list[ChannelSpread]
    classes: dict[str, ClassAmount]


class DatasetCase(Answer):
    """One case of a version; without numbers it has not been checked, or could not be read. `test` scans have no label."""

    id: str
    test: bool
    patient: str | None
    bytes: int
    numbers: CaseNumbers | None
    findings: dict[str, int]


class DatasetCases(Answer):
    """All cases of a version. For each split, and case by case, `splits` has the place of its part in `parts`, or -1."""

    parts: list[str]
    splits: dict[str, list[int]]
    checked: bool
    cases: list[DatasetCase]


class CheckJob(Answer):
    """A check that is going on; `mine` where it is of the dataset that was asked about."""

    ref: str
    mine: bool
    began: float
    done: int
    total: int
    case: str
    stopping: bool


class FindingKind(Answer):
    """A kind of finding: what it is, why it matters, and what to do."""

    kind: str
    group: str
    severity: str
    title: str
    why: str
    mend: str


class DatasetFinding(Answer):
    """One thing that is wrong, or worth knowing; `where` is a voxel to look at."""

    kind: str
    case: str | None
    file: str | None
    what: str
    fixable: bool
    where: list[int] | None


class CheckReport(Answer):
    """What a check found; `changed` names files that are no longer as they were then."""

    made: float
    seconds: float
    looked_at: int
    changed: list[str]
    kinds: list[FindingKind]
    findings: list[DatasetFinding]


class DatasetCheck(Answer):
    """The check of a dataset's folder: the one going on, the last report, why the last one failed, and the same as commands."""

    folder: str | None
    job: CheckJob | None
    fault: str | None
    report: CheckReport | None
    command: str | None
    fix_command: str | None


class ViewPlane(Answer):
    """How a plane is cut and shown: `axis` is stepped along, a turned one runs against its index.

    `letters` stand at the left, right, top and bottom; `ends` are those of the first and the last slice.
    """

    axis: int
    across: int
    down: int
    across_turned: bool
    down_turned: bool
    width_mm: float
    height_mm: float
    letters: list[str]
    ends: list[str]


class ViewClass(Answer):
    """A class of a case's label; `most` is, along each axis, the slice that has most of it."""

    value: int
    name: str
    colour: list[int]
    voxels: int
    most: list[int]


class ViewWindow(Answer):
    name: str
    low: float
    high: float


class ViewerPlace(Answer):
    """A run that logged a volume of the case, which the viewer shows whole."""

    run_id: str
    run_name: str


class CaseView(Answer):
    """What is needed to step through a case; `key` names the content of its files."""

    id: str
    test: bool
    key: str
    changed: bool
    shape: list[int]
    spacing_mm: list[float]
    orientation: str
    channels: list[str]
    dtype: str
    is_ct: bool
    planes: dict[str, ViewPlane]
    classes: list[ViewClass]
    most: list[int] | None
    problem: str | None
    window: ViewWindow
    viewer: ViewerPlace | None
