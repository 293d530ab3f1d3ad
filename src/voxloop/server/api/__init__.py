"""`/api/v1`: one small module for each noun. A route reads its input, asks the store and shapes the answer."""

from fastapi import APIRouter

from voxloop.server.api import artifacts, blobs, cases, events, project, query, runs, series, views, volumes

router = APIRouter(prefix="/api/v1")
for noun in (project, runs, query, series, cases, volumes, blobs, artifacts, events, views):
    router.include_router(noun.router)
