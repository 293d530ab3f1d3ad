"""The feed: one look for all, every listener told, nobody left hanging."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest

from voxloop.server import events
from voxloop.server.events import ChangeFeed
from voxloop.store import Project


class Changing:
    """Stands for a project whose database changes when a test says so, and counts how often it is looked at."""

    root = "/data/study/.voxloop"

    def __init__(self) -> None:
        self.token = "1"
        self.looks = 0
        self.fails = False

    def change_token(self) -> str:
        self.looks += 1
        if self.fails:
            raise OSError("the disk is away")
        return self.token

    def recover(self) -> list[str]:
        return []


async def next_of(stream: AsyncIterator[str]) -> str:
    return await asyncio.wait_for(anext(stream), 5)


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> Changing:
    monkeypatch.setattr(events, "LOOK_S", 0.01)
    return Changing()


def feed_of(project: Changing) -> ChangeFeed:
    return ChangeFeed(cast(Project, project))


def play(story: Coroutine[None, None, None]) -> None:
    """Run it in a thread of its own: a browser that is open for other tests holds a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, story).result()


async def until(project: Changing, looks: int) -> None:
    while project.looks < looks:
        await asyncio.sleep(0.005)


def test_a_change_reaches_all_who_listen_by_one_look(project: Changing) -> None:
    async def story() -> None:
        feed = feed_of(project)
        watching = asyncio.create_task(feed.watch())
        streams = [feed.stream() for _ in range(50)]
        assert {await next_of(stream) for stream in streams} == {": watching\n\n"}
        waiting = [asyncio.create_task(next_of(stream)) for stream in streams]
        await until(project, 2)
        before = project.looks
        project.token = "2"
        assert set(await asyncio.gather(*waiting)) == {"event: change\ndata: 1\n\n"}
        assert project.looks - before < 50, "fifty listeners must not cost fifty looks"
        feed.close()
        await asyncio.wait_for(watching, 5)

    play(story())


def test_a_listener_misses_no_change_while_it_is_busy(project: Changing) -> None:
    async def story() -> None:
        feed = feed_of(project)
        watching = asyncio.create_task(feed.watch())
        stream = feed.stream()
        await next_of(stream)
        await until(project, 2)
        project.token = "2"
        await until(project, project.looks + 3)
        assert await next_of(stream) == "event: change\ndata: 1\n\n"
        feed.close()
        await watching

    play(story())


def test_closing_ends_every_stream(project: Changing) -> None:
    async def story() -> None:
        feed = feed_of(project)
        stream = feed.stream()
        await next_of(stream)
        waiting = asyncio.create_task(next_of(stream))
        await asyncio.sleep(0)
        feed.close()
        with pytest.raises(StopAsyncIteration):
            await waiting

    play(story())


def test_silence_is_broken_by_a_heartbeat(project: Changing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.02)

    async def story() -> None:
        stream = feed_of(project).stream()
        await next_of(stream)
        assert await next_of(stream) == ": still here\n\n"

    play(story())


def test_a_disk_that_is_away_does_not_end_the_watch(project: Changing, caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        feed = feed_of(project)
        watching = asyncio.create_task(feed.watch())
        stream = feed.stream()
        await next_of(stream)
        await until(project, 1)
        project.fails = True
        await until(project, project.looks + 4)
        project.fails, project.token = False, "2"
        assert await next_of(stream) == "event: change\ndata: 1\n\n"
        feed.close()
        await watching

    play(story())
    assert caplog.text.count("the disk is away") == 1, "said once, not at every look"
