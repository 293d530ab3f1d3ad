"""A run as one HTML file that needs nothing else: what it reached, its curves, and its worst cases with pictures."""

from voxloop.reports.gathering import Choice, Report, gather
from voxloop.reports.page import as_html

__all__ = ["Choice", "Report", "as_html", "gather"]
