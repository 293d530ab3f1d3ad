"""What holds for all tests: the order in which they are dealt out to the processes that run them, and whose settings they see."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
# By how long a file of theirs takes.
LONGEST = ("packaging", "recipes", "training", "browser", "bundles", "inference", "cli")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those of the longest files come first, or one process would still be at them when the others have nothing left."""

    def turn(item: pytest.Item) -> int:
        folder = item.path.relative_to(HERE).parts[0] if item.path.is_relative_to(HERE) else ""
        return LONGEST.index(folder) if folder in LONGEST else len(LONGEST)

    items.sort(key=turn)


@pytest.fixture(scope="session", autouse=True)
def _nobodys_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The bundles that a person trusts are neither asked after nor added to by a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("settings")))
        yield
