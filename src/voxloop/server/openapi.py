"""The API's description as a file, from which the page's types are made: `python -m voxloop.server.openapi > web/openapi.json`."""

from __future__ import annotations

import json


def openapi_json() -> str:
    from voxloop.server.app import create_app

    return json.dumps(create_app(None).openapi(), indent=2) + "\n"


if __name__ == "__main__":
    print(openapi_json(), end="")
