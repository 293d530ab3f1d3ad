"""What does this bundle do, and what is wrong with it? Said before it runs, and without running any of it.

Configs are read as data, components looked up and not made, scripts parsed and not imported. Every kind of mistake stands in
one catalogue, from which the reference page comes.
"""

from voxloop.bundles.checking.catalogue import KINDS, SEVERITIES, Kind
from voxloop.bundles.checking.checking import check
from voxloop.bundles.checking.finding import Finding
from voxloop.bundles.checking.report import Paragraph, Report

__all__ = ["KINDS", "SEVERITIES", "Finding", "Kind", "Paragraph", "Report", "check"]
