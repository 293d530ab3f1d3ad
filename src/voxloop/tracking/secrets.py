"""Secrets in what is written down about a run: a command line, an address."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

MASK = "***"
# Words of an option's name that make its value a secret; "key" is one only beside some others.
SECRET = {"token", "secret", "password", "passwd", "passphrase", "pwd", "credential", "credentials", "auth", "apikey"}
KEY_OF = {"api", "access", "secret", "private", "ssh", "account", "encryption", "auth", "signing", "license"}
# What is told by its look, whatever it is called.
LOOKS = re.compile(
    r"\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|hf_\w{20,}|sk-[\w-]{20,}|xox[abprs]-[\w-]{10,}"
    r"|A(?:KI|SI)A[0-9A-Z]{16}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*)"
)
USER = re.compile(r"(?P<scheme>\b[a-zA-Z][\w+.-]*://)(?P<user>[^/@\s]+)@")
OPTION = re.compile(r"(?P<name>-{0,2}[+~]{0,2}[\w.#/:-]+)=(?P<value>.+)", re.DOTALL)


def without_secrets(arguments: Sequence[str]) -> list[str]:
    """A command line whose secrets read `***`.

    >>> without_secrets(["--token=abc", "--password", "x", "lr=1e-3"])
    ['--token=***', '--password', '***', 'lr=1e-3']
    """
    found: list[str] = []
    next_is_secret = False
    for argument in arguments:
        option = OPTION.fullmatch(argument)
        if next_is_secret and not argument.startswith("--"):
            found.append(MASK)
            next_is_secret = False
            continue
        next_is_secret = False
        if option is not None and is_secret(option["name"]):
            found.append(f"{option['name']}={MASK}")
            continue
        next_is_secret = argument.startswith("-") and option is None and is_secret(argument)
        found.append(masked(argument))
    return found


def is_secret(name: str) -> bool:
    """Whether what goes by this name is a secret.

    >>> is_secret("--api-key"), is_secret("max_tokens")
    (True, False)
    """
    words = re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower())
    return bool(SECRET & set(words)) or any(
        word in ("key", "keys") and before in KEY_OF for before, word in pairwise(words)
    )


def masked(text: str) -> str:
    """A text without the secrets that are told by their look, and without who logs in at an address."""
    return USER.sub(rf"\g<scheme>{MASK}@", LOOKS.sub(MASK, text))


def without_login(url: str) -> str:
    """The address of a repository without a name or a password. `git@host:path` names no person, and stays."""
    bare = re.sub(r"[?#].*", "", USER.sub(r"\g<scheme>", url.strip()))
    return LOOKS.sub(MASK, bare)
