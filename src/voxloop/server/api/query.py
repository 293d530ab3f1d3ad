"""The query language: its words, and what may come next."""

from typing import Annotated

from fastapi import APIRouter, Query

from voxloop.server.api.opened import LARGEST, Opened
from voxloop.server.models import query as models
from voxloop.store.query import Scope, terms

router = APIRouter(tags=["query"])


@router.get("/query/terms", operation_id="listTerms")
def list_terms(scope: Scope = "run") -> list[models.QueryTerm]:
    """The words that a query about runs, series, media or cases may use."""
    return [models.QueryTerm(name=one.name, type=one.type, help=one.help, example=one.example) for one in terms(scope)]


@router.get("/query/completions", operation_id="complete")
def complete(
    project: Opened,
    text: str = "",
    position: Annotated[int | None, Query(ge=0, le=LARGEST)] = None,
    scope: Scope = "run",
) -> list[models.Completion]:
    """What may stand at a place of a query, with what this project holds."""
    return [
        models.Completion(text=one.text, kind=one.kind, help=one.help, start=one.start, end=one.end)
        for one in project.complete(text, position, scope)
    ]
