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
    runs,
    query,
    series,
    cases,
    media,
    pictures,
    volumes,
    blobs,
    artifacts,
    run_page,
    console,
    reports,
    home,
    datasets,
    views,
    events,
):
    router.include_router(noun.router)
