"""Every benchmark, one after the other: `make bench`. Each is a package here with a `__main__` of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    for folder in sorted(path.parent for path in HERE.glob("*/__main__.py")):
        print(f"\n== {folder.name}: python -m benchmarks.{folder.name}", flush=True)
        subprocess.run([sys.executable, "-m", f"benchmarks.{folder.name}"], cwd=HERE.parent, check=True)


if __name__ == "__main__":
    main()
