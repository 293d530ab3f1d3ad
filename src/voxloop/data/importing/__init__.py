"""Bringing loose data in: what a source holds is surveyed by its layout, and a dataset that refers to it is written.

One module for each layout (`pairs`, `nnunet`, `bids`, `dicom`, `elsewhere`); all answer with a `Survey`. Nothing here writes
into a source. Who calls it names the source and the folder; see `bring_in`.
"""

from voxloop.data.importing.bringing import Imported, bring_in
from voxloop.data.importing.found import Wanted
from voxloop.data.importing.layouts import LAYOUTS

__all__ = ["LAYOUTS", "Imported", "Wanted", "bring_in"]
