"""Saved views: addresses of the page with a name, for everyone who opens the project. Whoever saves overwrites nobody unseen."""

from __future__ import annotations

import time
import unicodedata
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.errors import VoxloopError
from voxloop.store import schema

TABLE = schema.views
# As long as a name may be that is read in a list.
LONGEST = 120
# Control characters, and halves of characters, which no database takes.
ODD = ("Cc", "Cs")


@dataclass(frozen=True, slots=True)
class View:
    """An address of one of the page's pages, path and query, under a name that no other view of that page has."""

    id: int
    page: str
    name: str
    address: str
    created: float


class OvertakenError(VoxloopError):
    """Somebody else was faster: the name is taken, or the view is no longer what the person saw."""


def of(connection: Connection, page: str | None = None) -> list[View]:
    """The views of one page or of all, by name as people sort it."""
    asked = sa.select(TABLE) if page is None else sa.select(TABLE).where(TABLE.c.page == page)
    found = [View(**row._mapping) for row in connection.execute(asked)]
    return sorted(found, key=lambda view: (view.page, view.name.casefold(), view.id))


def add(connection: Connection, page: str, name: str, address: str) -> View:
    """Saves an address under a name that is free."""
    name = _name(name)
    _check_free(connection, page, name)
    row = {"page": page, "name": name, "address": _address(address), "created": time.time()}
    return find(connection, connection.execute(TABLE.insert().values(**row).returning(TABLE.c.id)).scalar_one())


def change(
    connection: Connection, number: int, name: str | None = None, address: str | None = None, was: str | None = None
) -> View:
    """Gives a view another name or address; with `was`, only if its address is still that one."""
    before = find(connection, number)
    changes: dict[str, str] = {}
    if name is not None and (name := _name(name)) != before.name:
        _check_free(connection, before.page, name)
        changes["name"] = name
    if address is not None:
        if was is not None and was != before.address:
            raise OvertakenError(
                f'Somebody else has changed the view "{before.name}" since you opened it; open it again, or save under another name.'
            )
        changes["address"] = _address(address)
    if changes:
        connection.execute(TABLE.update().where(TABLE.c.id == number).values(**changes))
    return find(connection, number)


def remove(connection: Connection, number: int) -> None:
    """Takes a view away; what it showed stays."""
    find(connection, number)
    connection.execute(TABLE.delete().where(TABLE.c.id == number))


def find(connection: Connection, number: int) -> View:
    row = connection.execute(sa.select(TABLE).where(TABLE.c.id == number)).first()
    if row is None:
        raise VoxloopError("This view is gone: somebody has deleted it; save it again under a name.")
    return View(**row._mapping)


def _check_free(connection: Connection, page: str, name: str) -> None:
    here = (TABLE.c.page == page) & (TABLE.c.name == name)
    if connection.execute(sa.select(TABLE.c.id).where(here)).first() is not None:
        raise OvertakenError(f'There is a view called "{name}" already; replace it, or choose another name.')


def _name(text: str) -> str:
    """One line that can be read: no control characters, no blanks at the ends."""
    plain = "".join(" " if unicodedata.category(sign) in ODD else sign for sign in text)
    name = " ".join(plain.split())[:LONGEST].strip()
    if not name:
        raise VoxloopError("A view needs a name that can be read; give it one of letters.")
    return name


def _address(text: str) -> str:
    """A place on this page and nowhere else: a path from its root, as browsers write them."""
    ascii_only = text.isascii() and text.isprintable() and " " not in text
    if not (ascii_only and text.startswith("/") and text[1:2] not in ("/", "\\")):
        raise VoxloopError(f'"{text[:60]}" is no address on this page; a view is a path such as /runs?q=unet.')
    return text
