"""The page's own checks, from Python: `python -m tests.page lint|format|check|test|build`."""

from __future__ import annotations

import sys
from pathlib import Path

from hatch_build import npm

WEB = Path(__file__).parent.parent / "web"


def main(task: str) -> None:
    if not (WEB / "node_modules").is_dir():
        npm("ci", "--no-audit", "--no-fund", cwd=WEB)
    npm("run", task, cwd=WEB, quiet=False)


if __name__ == "__main__":
    main(sys.argv[1])
