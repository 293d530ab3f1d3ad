"""Everything that a run can log beside numbers: each kind takes a snapshot when it is made, and is stored later."""

from voxloop.tracking.media.audio import Audio
from voxloop.tracking.media.boxes import Box
from voxloop.tracking.media.distribution import Distribution, gradients, parameters
from voxloop.tracking.media.figure import Figure
from voxloop.tracking.media.image import Image
from voxloop.tracking.media.protocol import KINDS, Known, Media, is_media, register
from voxloop.tracking.media.snapshot import kept
from voxloop.tracking.media.table import Table
from voxloop.tracking.media.text import Text
from voxloop.tracking.media.video import Video
from voxloop.tracking.media.volume import Volume

__all__ = [
    "KINDS",
    "Audio",
    "Box",
    "Distribution",
    "Figure",
    "Image",
    "Known",
    "Media",
    "Table",
    "Text",
    "Video",
    "Volume",
    "gradients",
    "is_media",
    "kept",
    "parameters",
    "register",
]
