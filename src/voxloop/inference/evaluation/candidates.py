"""What is judged: a model that segments each scan, or a folder of label maps that are there already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from voxloop.data.decathlon import Dataset
from voxloop.data.scans import Scan, open_labels
from voxloop.errors import VoxloopError
from voxloop.inference.evaluation.label_folder import LabelFolder
from voxloop.inference.predict import predict
from voxloop.monai.output import Classes, Labels, Regions
from voxloop.recipes.datalist import UNNAMED, channel_order, class_values
from voxloop.recipes.spelling import Spellings, recognise

if TYPE_CHECKING:
    from voxloop.inference.model import Model, NamedOutput


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the values of a candidate's label maps mean, what of them is scored, and what a dataset may call it."""

    output: NamedOutput
    spellings: Spellings = field(default_factory=dict)


class Candidate(Protocol):
    """Whatever says where the classes of a scan are."""

    @property
    def name(self) -> str:
        """What it is called in every table."""

    @property
    def meaning(self) -> Meaning:
        """Its classes and regions."""

    def look(self, cases: set[str], wanted: Sequence[str]) -> list[str]:
        """What a person has to know before these cases are scored; refused where a wanted class cannot be told."""

    def labels(self, case: str, scan: Scan) -> Labels:
        """The label map of one case on the scan's grid, in its own class numbers."""

    @property
    def notes(self) -> Sequence[str]:
        """What came up while its label maps were made."""


@dataclass(frozen=True, slots=True, eq=False)
class Segmenting:
    """A model, in which order it takes the channels of this dataset, and which of its classes the dataset has."""

    name: str
    model: Model
    order: list[int]
    output: NamedOutput
    # From the model's values to those of `output`, where it knows more classes than the dataset.
    table: Labels | None = None
    unscored: tuple[str, ...] = ()

    @property
    def meaning(self) -> Meaning:
        return Meaning(self.output, self.model.spellings)

    def look(self, cases: set[str], wanted: Sequence[str]) -> list[str]:
        if not self.unscored:
            return []
        return [f"{self.name}: {_listed(list(self.unscored))} not among the labels of the dataset, and not scored."]

    def labels(self, case: str, scan: Scan) -> Labels:
        labels = predict(self.model, scan, self.order).labels
        return labels if self.table is None else self.table[labels]

    @property
    def notes(self) -> Sequence[str]:
        return self.model.notes


@dataclass(frozen=True, slots=True)
class Drawn:
    """Label maps that another program or a person made, read as the classes of a dataset or of a model."""

    name: str
    folder: LabelFolder
    meaning: Meaning
    # The class of each value, where neither a file nor the folder has names of its own.
    meant: Mapping[int, int]

    def look(self, cases: set[str], wanted: Sequence[str]) -> list[str]:
        self._require_named(cases, wanted)
        said = []
        if self.folder.others:
            said.append(
                f"{self.name}: {_listed([path.name for path in self.folder.others])} of no case of the dataset."
            )
        if elsewhere := sorted(self.folder.files.keys() - cases):
            said.append(f"{self.name}: {_listed(elsewhere)} of cases that were not asked for.")
        return said

    @property
    def notes(self) -> Sequence[str]:
        return ()

    def labels(self, case: str, scan: Scan) -> Labels:
        path = self.folder.files.get(case)
        if path is None:
            raise VoxloopError(f"{self.name} has no label map of {case}; add it, or leave the case away.")
        values = open_labels(path, like=scan.geometry).array()
        names = self.folder.names_in(path)
        meant = self._named(names) if names else self.meant
        table = np.full(256, UNNAMED, np.uint8)
        table[list(meant)] = list(meant.values())
        classes: Labels = table[values]
        if (classes == UNNAMED).any():
            value = int(values[classes == UNNAMED].min())
            where = "among its own names" if names else "in dataset.json"
            raise VoxloopError(f"{path.name} holds the label {value}, which has no name {where}; name it there.")
        return classes

    def _require_named(self, cases: set[str], wanted: Sequence[str]) -> None:
        """Where files name their values, each class has to be named by one of them: else another spelling would count as empty."""
        named = []
        for case in sorted(cases & self.folder.files.keys()):
            try:
                names = self.folder.names_in(self.folder.files[case])
            except VoxloopError:
                # It is told when its case is scored.
                continue
            named += [names] if names else []
        heard = {self._class(name) for names in named for name in names.values()}
        missing = [name for name in wanted if name not in heard]
        if named and missing:
            has = list(dict.fromkeys(name for names in named for value, name in sorted(names.items()) if value))
            more = f" and {len(has) - 12} more" if len(has) > 12 else ""
            raise VoxloopError(
                f'{self.name}: its files name their labels, and none is "{missing[0]}"; they are: {", ".join(has[:12])}{more}. '
                "Rename the label there or in dataset.json, or leave the class away with --classes."
            )

    def _named(self, names: Mapping[int, str]) -> dict[int, int]:
        """The class of each value that has a name; names that are no class are background."""
        number = {name: index for index, name in enumerate(self.meaning.output.classes)}
        heard = {value: self._class(name) for value, name in names.items()}
        return {0: 0, **{value: 0 if name is None else number[name] for value, name in heard.items()}}

    def _class(self, name: str) -> str | None:
        return recognise(name, self.meaning.output.classes, self.meaning.spellings)


def segmenting(model: Model, dataset: Dataset, name: str | None = None) -> Segmenting:
    """A model for one dataset; refused where the dataset does not name its channels, or none of its classes.

    A model of many organs is scored on those that the dataset has. Regions are made of classes, and have to be there whole.
    """
    order = channel_order(dataset, model.channels, model.spellings)
    heard = {recognise(said, model.classes, model.spellings) for said in dataset.labels.values()}
    shared = [name for name in model.classes[1:] if name in heard]
    if isinstance(model.output, Regions) or not shared or len(shared) == len(model.classes) - 1:
        class_values(dataset, model.classes, model.spellings)
        return Segmenting(name or model.name, model, order, model.output)
    classes = (model.classes[0], *shared)
    table = np.array([classes.index(one) if one in classes else 0 for one in model.classes], np.uint8)
    unscored = tuple(one for one in model.classes[1:] if one not in classes)
    return Segmenting(name or model.name, model, order, Classes(classes), table, unscored)


def drawn(name: str, folder: LabelFolder, dataset: Dataset, like: Meaning | None = None) -> Drawn:
    """A folder for one dataset. Its label maps are read as the classes and regions that `like` has, where it is given."""
    meaning = like or Meaning(Classes(("background", *class_names(dataset))))
    return Drawn(name, folder, meaning, class_of_value(dataset, meaning))


def class_of_value(dataset: Dataset, meaning: Meaning) -> dict[int, int]:
    """The class of each value that dataset.json names. What is 0 is the background, also where that has no name."""
    return {0: 0, **class_values(dataset, meaning.output.classes, meaning.spellings)}


def class_names(dataset: Dataset) -> list[str]:
    """The names of a dataset's labels but for the background, each once."""
    names: list[str] = []
    for value, name in sorted(dataset.labels.items()):
        if value and recognise(name, ["background", *names]) is None:
            names.append(name)
    if not names:
        raise VoxloopError(
            f'{dataset.name} names no label but the background; name them in dataset.json under "labels".'
        )
    return names


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more} {'is' if len(names) == 1 else 'are'}"
