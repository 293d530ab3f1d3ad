"""Running any bundle as it is, tracked: in a process of its own, with its own root as working folder and on the path.

All bundles call their package `scripts`, so two of them cannot live in one process, and no bundle can in ours.
"""

from voxloop.training.foreign.job import BundleJob, check, config_files, find
from voxloop.training.foreign.launch import Ended, run
from voxloop.training.foreign.trust import Program, require

__all__ = ["BundleJob", "Ended", "Program", "check", "config_files", "find", "require", "run"]
