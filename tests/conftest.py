"""What holds for all tests: a home of their own for what a person trusts, and the order in which they are dealt out to processes."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent
# By how long a file of theirs takes.
LONGEST = ("packaging", "recipes", "training", "browser", "bundles", "inference", "cli")


def pytest_configure(config: pytest.Config) -> None:
    """Nobody's own word of trust decides a test, and no test leaves one."""
    home = tempfile.mkdtemp(prefix="voxloop-home-")
    os.environ["XDG_CONFIG_HOME"] = home
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those of the longest files come first, or one process would still be at them when the others have nothing left."""

    def turn(item: pytest.Item) -> int:
        folder = item.path.relative_to(HERE).parts[0] if item.path.is_relative_to(HERE) else ""
        return LONGEST.index(folder) if folder in LONGEST else len(LONGEST)

    items.sort(key=turn)
