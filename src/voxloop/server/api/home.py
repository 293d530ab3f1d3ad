"""The first page: what is running, new and worse; what the disk holds; and where a few letters lead."""

import time
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query

from voxloop.server.api.opened import Opened, Remembered
from voxloop.server.models import home as models
from voxloop.store.results import home, home_disk, home_jump
from voxloop.store.results.home_glance import Glance, glance

router = APIRouter(tags=["home"])
DISK_S = 60


@router.get("/home", operation_id="getHome")
def get_home(
    project: Opened,
    kept: Remembered,
    since: Annotated[float | None, Query(ge=0, le=1e11, description="Counts the ends of runs after this.")] = None,
) -> models.Home:
    """What a person asks on opening the page: what is running, what is new, what got worse."""
    project.recover()

    def look() -> tuple[list[Glance], models.Home]:
        with project.reading() as connection:
            runs = glance(connection)
            return runs, models.Home(now=0, since={}, **asdict(home.home(connection, runs)))

    runs, said = kept.answer("home", look)
    counts = {} if since is None else home.ended_since(runs, since)
    return said.model_copy(update={"now": time.time(), "since": counts})


@router.get("/home/disk", operation_id="getHomeDisk")
def get_disk(project: Opened, kept: Remembered) -> models.HomeDisk:
    """How much room the project takes, and how much is left."""
    return kept.answer(("disk", time.time() // DISK_S), lambda: models.HomeDisk(**asdict(home_disk.disk(project.root))))


@router.get("/jump", operation_id="jump")
def jump(project: Opened, q: Annotated[str, Query(max_length=200)] = "") -> models.Found:
    """Runs and artifacts whose names hold some words, the newest first."""
    with project.reading() as connection:
        return models.Found(**asdict(home_jump.find(connection, q)))
