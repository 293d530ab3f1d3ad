"""Saved views as the API tells them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from voxloop.server.models.answer import Answer

Name = Annotated[str, Field(min_length=1, max_length=500)]
Address = Annotated[str, Field(min_length=1, max_length=20_000)]


class View(Answer):
    """An address of the page under a name, for everyone who opens the project. The time is seconds since 1970."""

    id: int
    page: str
    name: str
    address: str
    created: float


class NewView(Answer):
    """What is to be saved, and on which page's shelf."""

    page: Annotated[str, Field(pattern="^[a-z]{1,40}$")]
    name: Name
    address: Address


class ViewChanges(Answer):
    """What is to become of a view; what is left out stays as it is. `was` is the address that the person saw."""

    name: Name | None = None
    address: Address | None = None
    was: str | None = None
