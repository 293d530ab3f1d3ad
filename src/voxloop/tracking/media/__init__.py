"""Everything that a run can log beside numbers: each kind takes a snapshot when it is made, and is stored later."""

from voxloop.tracking.media.protocol import KINDS, Known, Media, is_media, register
from voxloop.tracking.media.volume import Volume

__all__ = ["KINDS", "Known", "Media", "Volume", "is_media", "register"]
