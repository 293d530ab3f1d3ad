"""The API's description is a file of the repository, and the page's types are made from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from voxloop.server.openapi import openapi_json

FILE = Path(__file__).parents[2] / "web" / "openapi.json"
REFRESH = "python -m voxloop.server.openapi > web/openapi.json && npm --prefix web run api"


def test_the_committed_description_is_fresh() -> None:
    # Releases of FastAPI word the description a little differently; the file is made with the one that is pinned.
    if json.loads(FILE.read_text()) != json.loads(openapi_json()):
        pytest.fail(f"web/openapi.json is not what the server says; refresh it with: {REFRESH}")


def test_every_operation_has_a_name_a_sentence_and_a_typed_answer() -> None:
    paths = json.loads(openapi_json())["paths"]
    names = [operation["operationId"] for item in paths.values() for operation in item.values()]
    assert len(names) == len(set(names))
    for path, item in paths.items():
        for operation in item.values():
            assert operation["operationId"].isalnum(), "it becomes a name in TypeScript"
            assert operation["description"].endswith("."), path
            said = operation["responses"].get("200") or operation["responses"]["204"]
            answer = said.get("content", {}).get("application/json", {})
            assert answer.get("schema") or "application/json" not in said.get("content", {}), path
            assert operation["responses"]["422"]["content"]["application/json"]["schema"]["$ref"].endswith("/Problem")
