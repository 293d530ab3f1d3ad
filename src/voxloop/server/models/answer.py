"""What every answer is, and the one that tells what went wrong."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    model_config = ConfigDict(populate_by_name=True)


class Problem(Answer):
    """What went wrong, in words."""

    title: str
    detail: str
    # Where in a query, counted in characters; only where one was not understood.
    position: int | None = None
