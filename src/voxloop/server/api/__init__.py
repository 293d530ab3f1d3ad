"""`/api/v1`: one small module for each noun. A route reads its input, asks the store and shapes the answer."""

from fastapi import APIRouter

from voxloop.server.api import artifacts, blobs, cases, events, importance, project, query, runs, series, volumes

router = APIRouter(prefix="/api/v1")
for noun in (project, importance, runs, query, series, cases, volumes, blobs, artifacts, events):
    router.include_router(noun.router)
