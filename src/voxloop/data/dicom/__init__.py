"""DICOM: from a folder as a PACS exports it to scans and label maps whose geometry is right, or a sentence why not.

`discover` sorts a folder into series, `open_series` makes a scan of one, `labels_of` draws a structure set or a
segmentation on a scan's grid. Only headers are read until voxels are asked for. `write_segmentation` is the one thing that writes.
"""

from voxloop.data.dicom.discovery import Discovery, Problem, Series, discover, discover_files
from voxloop.data.dicom.labels import LabelMap, Structures, labels_of, structures
from voxloop.data.dicom.segment_header import Maker
from voxloop.data.dicom.series import open_series
from voxloop.data.dicom.writing import write_segmentation

__all__ = [
    "Discovery",
    "LabelMap",
    "Maker",
    "Problem",
    "Series",
    "Structures",
    "discover",
    "discover_files",
    "labels_of",
    "open_series",
    "structures",
    "write_segmentation",
]
