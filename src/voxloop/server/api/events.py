"""Live events."""

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from voxloop.server.api.opened import Feed

router = APIRouter(tags=["events"])


@router.get("/events", operation_id="watchEvents", response_class=StreamingResponse)
async def watch_events(feed: Feed) -> StreamingResponse:
    """A `change` event within a second of every change of the project."""
    return StreamingResponse(feed.stream(), media_type="text/event-stream", headers={"cache-control": "no-store"})
