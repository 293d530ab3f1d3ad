"""`voxloop bundle fetch`."""

from __future__ import annotations

import shlex
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voxloop.cli.console import Bar, console, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from voxloop.bundles.fetching import Fetched

SOURCES = "monaihosting, github, ngc or huggingface_hub"


def fetch(
    name: Annotated[str | None, typer.Argument(help="The bundle's name, such as spleen_ct_segmentation.")] = None,
    version: Annotated[str | None, typer.Option(help="Its version; by default the newest.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to put the bundle's folder in.")] = Path(),
    source: Annotated[str, typer.Option(help=f"Where MONAI's zoo is asked: {SOURCES}.")] = "monaihosting",
    mirror: Annotated[
        str | None,
        typer.Option(
            envvar="VOXLOOP_BUNDLE_MIRROR",
            help="A folder or http(s) address with NAME_vVERSION.zip, and model_info.json or .sha256 files if it has them; nothing else is asked.",
        ),
    ] = None,
    archive: Annotated[
        Path | None, typer.Option(help="The bundle's zip, where somebody has brought it: no network is used.")
    ] = None,
    sha256: Annotated[str | None, typer.Option(help="The checksum that the archive has to have.")] = None,
    list_bundles: Annotated[bool, typer.Option("--list", help="Show what there is.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Get a bundle from MONAI's model zoo, a mirror, or a zip. Nothing of it is executed.

    Interrupted, it goes on where it was; done, it does nothing. Checksums are verified where they are known.

    Example: voxloop bundle fetch spleen_ct_segmentation --mirror /srv/bundles
    """
    from voxloop.bundles import fetching
    from voxloop.errors import VoxloopError

    words = console(as_json)
    if list_bundles:
        _list(words, mirror, as_json)
        return
    if name is None:
        raise VoxloopError("Name a bundle, such as: voxloop bundle fetch spleen_ct_segmentation (all: --list)")
    try:
        done = fetching.fetch(
            name,
            version,
            out,
            source,
            mirror,
            archive,
            sha256,
            # A path may have square brackets in it.
            say=partial(words.print, markup=False),
            progress=Bar(words, name),
        )
    except KeyboardInterrupt:
        print("voxloop: interrupted; the same command goes on from here", file=sys.stderr)
        raise typer.Exit(130) from None
    if as_json:
        print_json(asdict(done))
    else:
        _tell(words, done)


def _tell(words: Console, done: Fetched) -> None:
    from voxloop.bundles.fetching.about import code
    from voxloop.data.fetch.places import amount

    say = partial(words.print, markup=False)
    folder = shlex.quote(str(done.folder))
    say(
        f"{done.folder}: {done.name} {done.version}, {done.files} files, {amount(done.bytes)}"
        f"{', there already, whole' if done.already else ''}."
    )
    if done.verified:
        say(f"Verified: {', '.join(done.verified)}.")
    elif done.sha256 is not None:
        say(f"No checksum of it was published, so nobody vouches for it. It has --sha256 {done.sha256}")
    else:
        say("No checksum of it was published, so nobody vouches for it.")
    say(f"Licence: {done.licence}.")
    configs, scripts = code(done.folder)
    say(
        f"It is a program: {configs} config files that hold Python expressions and {scripts} Python files. Nothing of it was executed; "
        "look at it before you trust it."
    )
    say(f"Next:  voxloop bundle check {folder} --explain")
    say(f"       voxloop bundle run {folder} dataset_dir=DATA")
    say(f"       voxloop predict {folder} SCANS --out labels")


def _list(words: Console, mirror: str | None, as_json: bool) -> None:
    from rich.table import Table

    from voxloop.bundles.fetching import Addresses, mirrors, sources
    from voxloop.data.fetch.download import Patience

    listed = sources.listing(Addresses(), Patience()) if mirror is None else mirrors.listing(mirror, Patience())
    rows = [(name, listed.versions(name)) for name in listed.names()]
    if as_json:
        print_json([{"name": name, "versions": versions} for name, versions in rows])
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("bundle", no_wrap=True)
    table.add_column("newest")
    table.add_column("versions", justify="right")
    for name, versions in rows:
        table.add_row(name, versions[0], str(len(versions)))
    words.print(table)
    words.print("Get one with: voxloop bundle fetch NAME")
