"""Running any bundle as it is, tracked: in a process of its own, with its own root as working folder and on the path.

All bundles call their package `scripts`, so two of them cannot live in one process, and no bundle can in ours.
"""

from voxloop.training.foreign.data import doubts
from voxloop.training.foreign.job import BundleJob, check
from voxloop.training.foreign.launch import Ended, run

__all__ = ["BundleJob", "Ended", "check", "doubts", "run"]
