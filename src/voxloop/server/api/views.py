"""Saved views: addresses of the page with a name, shared by all who open the project."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query

from voxloop.server.api.opened import LARGEST, Opened
from voxloop.server.models import views as models
from voxloop.server.models.answer import Problem
from voxloop.store.views import OvertakenError

router = APIRouter(tags=["views"], responses={409: {"model": Problem}})
Number = Annotated[int, Path(ge=0, le=LARGEST)]


@router.get("/views", operation_id="listViews")
def list_views(
    project: Opened, page: Annotated[str | None, Query(description="Those of one page, as in runs.")] = None
) -> list[models.View]:
    """The views that people have saved, by name."""
    return [models.View(**asdict(view)) for view in project.views(page)]


@router.post("/views", operation_id="saveView")
def save_view(view: models.NewView, project: Opened) -> models.View:
    """Saves an address under a name; one that is taken is refused, so that nobody overwrites what they have not seen."""
    with _overtaken():
        return models.View(**asdict(project.save_view(view.page, view.name, view.address)))


@router.patch("/views/{view}", operation_id="changeView")
def change_view(view: Number, changes: models.ViewChanges, project: Opened) -> models.View:
    """Gives a view another name or address; where `was` is told, only if nobody has changed the address since."""
    with _overtaken():
        return models.View(**asdict(project.change_view(view, changes.name, changes.address, changes.was)))


@router.delete("/views/{view}", operation_id="deleteView", status_code=204)
def delete_view(view: Number, project: Opened) -> None:
    """Takes a view away."""
    project.delete_view(view)


@contextmanager
def _overtaken() -> Iterator[None]:
    try:
        yield
    except OvertakenError as error:
        raise HTTPException(409, str(error)) from error
