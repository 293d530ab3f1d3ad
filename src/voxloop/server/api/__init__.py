"""`/api/v1`: one small module for each noun. A route reads its input, asks the store and shapes the answer."""

from fastapi import APIRouter

from voxloop.server.api import (
    artifacts,
    blobs,
    cases,
    console,
    datasets,
    events,
    home,
    importance,
    media,
    pictures,
    project,
    query,
    reports,
    run_page,
    runs,
    series,
    views,
    volumes,
)

router = APIRouter(prefix="/api/v1")
for noun in (
    project,
    home,
    importance,
    runs,
    run_page,
    console,
    reports,
    query,
    series,
    cases,
    media,
    pictures,
    volumes,
    blobs,
    artifacts,
    datasets,
    views,
    events,
):
    router.include_router(noun.router)
