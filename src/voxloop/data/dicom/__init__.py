"""DICOM: from a folder as a PACS exports it to scans and label maps whose geometry is right, or a sentence why not.

`discover` sorts a folder into series, `open_series` makes a scan of one, `labels_of` draws a structure set or a
segmentation on a scan's grid. Only headers are read until voxels are asked for; nothing here writes.
"""

from voxloop.data.dicom.discovery import Discovery, Problem, Series, discover
from voxloop.data.dicom.labels import LabelMap, Structures, labels_of, structures
from voxloop.data.dicom.series import open_series

__all__ = [
    "Discovery",
    "LabelMap",
    "Problem",
    "Series",
    "Structures",
    "discover",
    "labels_of",
    "open_series",
    "structures",
]
