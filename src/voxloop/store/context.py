"""A context as text: equal contexts are equal texts, whatever their order."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Context = dict[str, str | int | float | bool]


def canonical(context: Mapping[str, Any]) -> str:
    return json.dumps(dict(context), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
