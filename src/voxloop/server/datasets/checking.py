"""`python -m voxloop.server.datasets.checking FOLDER OUT`: a check whose progress is told line by line, and its report for the page."""

from __future__ import annotations

import json
import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from voxloop.data.check import KINDS, Options, check
from voxloop.data.check.kept import NAME, folder_for
from voxloop.data.check.report import Report
from voxloop.data.whole import make_folder, whole
from voxloop.errors import VoxloopError
from voxloop.server.datasets.report import REPORT, VERSION, stamps

# Of the percentiles of a case these are shown.
SHOWN = {"low": "p0.5", "median": "p50", "high": "p99.5", "mean": "mean"}


def main(folder: Path, out: Path) -> int:
    try:
        make_folder(out)
        _borrow(folder, out)
        seen = stamps(folder)
        report = check(folder, Options(cache=out), _tell)
        with whole(out / REPORT) as partial:
            partial.write_text(json.dumps(told(report, seen), ensure_ascii=False, allow_nan=False), encoding="utf-8")
    except VoxloopError as error:
        print(json.dumps({"fault": str(error)}), flush=True)
        return 1
    return 0


def _tell(done: int, total: int, case: str) -> None:
    print(json.dumps({"done": done, "total": total, "case": case}), flush=True)


def _borrow(folder: Path, out: Path) -> None:
    """What `voxloop data check` saw of this dataset need not be seen again; what has changed since is looked at anyway."""
    theirs = folder_for(folder, None) / NAME
    if not (out / NAME).is_file() and theirs.is_file():
        with suppress(OSError):
            shutil.copyfile(theirs, out / NAME)


def told(report: Report, seen: dict[str, Any]) -> dict[str, Any]:
    """The report as the page reads it: all findings, and a few numbers of each case."""
    whole_report = report.as_dict()
    found = whole_report["fingerprint"]
    there = {finding.kind for finding in report.findings}
    return {
        "version": VERSION,
        "made": time.time(),
        "seconds": whole_report["seconds"],
        "stamps": seen,
        "looked_at": len(report.cases),
        "findings": [
            {key: one[key] for key in ("kind", "case", "file", "what", "fixable", "where")}
            for one in whole_report["findings"]
        ],
        "kinds": [
            {
                "kind": name,
                "group": kind.group,
                "severity": kind.severity,
                "title": kind.title,
                "why": kind.why,
                "mend": kind.mend,
            }
            for name, kind in KINDS.items()
            if name in there
        ],
        "cases": {case: _numbers(one) for case, one in found["cases"].items() if one},
        "test": {case: _numbers(one) for case, one in found["test"].items() if one},
    }


def _numbers(one: dict[str, Any]) -> dict[str, Any]:
    return {
        **{key: one[key] for key in ("shape", "channels", "spacing_mm", "size_mm", "orientation", "dtype")},
        "intensity": [{part: _spread(each[part]) for part in ("all", "foreground")} for each in one["intensity"]],
        "classes": {
            name: {
                "voxels": each["voxels"],
                "ml": each["ml"],
                "under": [None if spread is None else spread["p50"] for spread in each["intensity"]],
            }
            for name, each in one["classes"].items()
        },
    }


def _spread(spread: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if spread is None else {name: spread[key] for name, key in SHOWN.items()}


# Processes that look at cases are spawned, and import this module once more.
if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
