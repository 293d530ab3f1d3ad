"""The project that the app serves, as routes ask for it."""

from typing import Annotated

from fastapi import Depends, Request

from voxloop.server.events import ChangeFeed
from voxloop.server.kept import Kept
from voxloop.store import Project


def _project(request: Request) -> Project:
    project: Project = request.app.state.project
    return project


def _feed(request: Request) -> ChangeFeed:
    feed: ChangeFeed = request.app.state.feed
    return feed


def _kept(request: Request) -> Kept:
    kept: Kept = request.app.state.kept
    return kept


# The largest number that the database can be asked about.
LARGEST = 2**63 - 1
Opened = Annotated[Project, Depends(_project)]
Feed = Annotated[ChangeFeed, Depends(_feed)]
Remembered = Annotated[Kept, Depends(_kept)]
