"""Live events: one look at the database for all who watch, told to each of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

from voxloop.store import Project

LOOK_S = 0.3
RECOVER_EVERY = 10
HEARTBEAT_S = 15.0
log = logging.getLogger("voxloop.server")


class ChangeFeed:
    """Watches a project while the server runs."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.number = 0
        self._changed = asyncio.Event()
        self._closing = False

    async def watch(self) -> None:
        """Looks again and again; several changes within one look are one."""
        token, looks, blind = None, 0, False
        while not self._closing:
            try:
                if looks and looks % RECOVER_EVERY == 0:
                    # What a killed process left behind is drained, and its run shown as crashed.
                    await asyncio.to_thread(self.project.recover)
                now = await asyncio.to_thread(self.project.change_token)
            except Exception as error:
                # A full disk or a folder that is away for a moment: the next look tries again, and says it only once.
                if not blind:
                    log.warning("Cannot see whether %s changes: %s", self.project.root, error)
                blind = True
            else:
                blind = False
                if token is not None and now != token:
                    self.number += 1
                    self._wake()
                token = now
            looks += 1
            await asyncio.sleep(LOOK_S)

    def close(self) -> None:
        """Lets everyone who listens go."""
        self._closing = True
        self._wake()

    def _wake(self) -> None:
        # Those who wait hold the old event; who comes next waits for the new one.
        self._changed.set()
        self._changed = asyncio.Event()

    async def stream(self) -> AsyncIterator[str]:
        """Server-sent events for one listener; a comment now and then shows that the line is alive."""
        seen = self.number
        yield ": watching\n\n"
        while not self._closing:
            if self.number == seen:
                try:
                    await asyncio.wait_for(self._changed.wait(), HEARTBEAT_S)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
            if self.number != seen:
                seen = self.number
                yield f"event: change\ndata: {seen}\n\n"
