"""The tests fetch from this machine only, whatever its owner has set."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def no_proxy_and_no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "VOXLOOP_MIRROR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
