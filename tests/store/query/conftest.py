"""The two databases, each with the real tables and nothing in them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from tests import postgres
from voxloop.store import schema


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    with postgres.server() as url:
        yield url


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    url = "sqlite://" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    engine = sa.create_engine(url, poolclass=sa.StaticPool)
    schema.metadata.create_all(engine)
    yield engine
    engine.dispose()
