"""The how-to of logging runs, line for line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.tracking.children import run_script

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "log.md"


def test_every_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) >= 9
    said = run_script("\n".join(blocks))
    assert "1 int16 ['truth'] [-160.0, 240.0]" in said
