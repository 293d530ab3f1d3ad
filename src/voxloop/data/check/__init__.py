"""Is this data sane? Every case is looked at once, and what is wrong is said in sentences, with a way to mend it.

Looking (`look`, in many processes) gives plain facts of each case, which are kept; judging reads the facts alone.
"""

from voxloop.data.check.catalogue import KINDS, Kind
from voxloop.data.check.checking import Options, check
from voxloop.data.check.finding import Finding
from voxloop.data.check.positions import Patch
from voxloop.data.check.report import Report

__all__ = ["KINDS", "Finding", "Kind", "Options", "Patch", "Report", "check"]
