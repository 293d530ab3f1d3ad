"""Which of the usual ways to name scans and labels fits a folder: always told, never silently trusted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from pathlib import Path, PurePosixPath

from voxloop.data.importing.patterns import Pattern, Place, compiled
from voxloop.errors import VoxloopError

IMAGES = ("image", "images", "img", "imgs", "imagestr", "scan", "scans", "volume", "volumes", "ct", "cts", "mr", "mri")
LABELS = (
    "label", "labels", "seg", "segs", "segmentation", "segmentations", "mask", "masks", "labelstr", "labelmap", "labelmaps",
    "annotation", "annotations", "gt", "groundtruth", "ground_truth", "truth", "roi", "rois",
)  # fmt: skip
IMAGE_ENDS = (
    "",
    *(f"{sign}{word}" for sign in "_-." for word in ("image", "img", "ct", "mr", "mri", "scan", "volume", "0000")),
)
LABEL_ENDS = tuple(
    f"{sign}{word}"
    for sign in "_-."
    for word in ("label", "labels", "seg", "segmentation", "mask", "gt", "truth", "labelmap", "annotation", "roi")
)
# Of a source with a folder for each case, as many are looked at as tell how it goes on.
MOST_FOLDERS = 12


def guess(source: Path, files: Mapping[str, Path]) -> tuple[Pattern, Pattern]:
    """The patterns that pair the most files and leave the fewest over; the simpler one of equals."""
    from voxloop.data.importing.pairs import divided

    best: tuple[tuple[int, int, int], Pattern, Pattern] | None = None
    known: dict[str, Pattern] = {}
    cases: dict[str, set[str]] = {}

    def pattern(text: str) -> Pattern:
        if text not in known:
            known[text] = compiled(text, any_case=True)
            cases[text] = {place.case for path in files if (place := known[text].place(path))}
        return known[text]

    for number, (image, label) in enumerate(_candidates(files)):
        images, labels = pattern(image), pattern(label)
        if not cases[image] & cases[label]:
            continue
        scans, truths, neither = divided(files, images, labels)
        paired = _names(scans.values()) & _names(truths.values())
        alone = len(neither) + len(_names(scans.values()) ^ _names(truths.values()))
        score = (len(paired), -alone, -number)
        if paired and (best is None or score > best[0]):
            best = score, images, labels
            if alone == 0:
                # Every file has found its partner; no other way can pair more.
                break
    if best is None:
        raise VoxloopError(
            f"{source}: how scans and labels are named is not clear ({next(iter(files))}, ...); say it, such as "
            "--images 'images/{case}.nii.gz' --labels 'labels/{case}_seg.nii.gz'."
        )
    return best[1], best[2]


def _names(places: Iterable[Place]) -> set[str]:
    return {place.case for place in places}


def _candidates(files: Mapping[str, Path]) -> Iterator[tuple[str, str]]:
    """Pairs of patterns, the plainest first."""
    count = Counter(PurePosixPath(path).parent.as_posix() for path in files)
    # A folder whose name looks like a pattern can be named by hand.
    folders = sorted(folder for folder in count if not set(folder) & set("{}*?"))
    for image, label in product(_called(folders, IMAGES), _called(folders, LABELS)):
        for ends in product(IMAGE_ENDS, ("", *LABEL_ENDS)):
            yield f"{image}/{{case}}{ends[0]}", f"{label}/{{case}}{ends[1]}"
    shared = [folder for folder, many in count.most_common(MOST_FOLDERS) if many > 1 and folder in folders]
    above = Counter(PurePosixPath(folder).parent.as_posix() for folder in folders if folder != ".")
    for ends in product(IMAGE_ENDS, LABEL_ENDS):
        for folder in shared:
            yield f"{_in(folder)}{{case}}{ends[0]}", f"{_in(folder)}{{case}}{ends[1]}"
        for folder, _ in above.most_common(MOST_FOLDERS):
            yield f"{_in(folder)}{{case}}/{{case}}{ends[0]}", f"{_in(folder)}{{case}}/{{case}}{ends[1]}"
    for folder, _ in above.most_common(MOST_FOLDERS):
        for words in product(IMAGES, LABELS):
            yield f"{_in(folder)}{{case}}/{words[0]}", f"{_in(folder)}{{case}}/{words[1]}"
    # Several channels, as of the brain tumours of BraTS.
    for end in LABEL_ENDS:
        for folder, _ in above.most_common(MOST_FOLDERS):
            yield f"{_in(folder)}{{case}}/{{case}}_{{channel}}", f"{_in(folder)}{{case}}/{{case}}{end}"
        for folder in shared:
            yield f"{_in(folder)}{{case}}_{{channel}}", f"{_in(folder)}{{case}}{end}"


def _called(folders: Iterable[str], words: tuple[str, ...]) -> list[str]:
    return [folder for folder in folders if PurePosixPath(folder).name.lower() in words][:MOST_FOLDERS]


def _in(folder: str) -> str:
    return "" if folder == "." else f"{folder}/"
