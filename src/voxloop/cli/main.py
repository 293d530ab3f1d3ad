"""`voxloop`: the command groups put together, and every error told in one line."""

from __future__ import annotations

import errno
import sys
from typing import Annotated

import typer

from voxloop import __version__
from voxloop.cli import bundle, data, demo, doctor, evaluate, models, predict, runs, serve, train
from voxloop.cli.console import clear_bars
from voxloop.cli.interrupting import hear_interrupts
from voxloop.errors import VoxloopError

app = typer.Typer(
    name="voxloop",
    help="The open loop for 3D medical image segmentation on your own machine.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Not a medical device: for research and teaching, not for diagnosis.",
)
app.command()(demo.demo)
app.add_typer(data.app, name="data")
app.command()(train.train)
app.command()(evaluate.evaluate)
app.command()(predict.predict)
app.add_typer(runs.app, name="runs")
app.add_typer(models.app, name="models")
app.add_typer(bundle.app, name="bundle")
app.command()(serve.serve)
app.command()(doctor.doctor)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"voxloop {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    context.obj = {"debug": debug}


def main() -> None:
    """The door: runs a command; an error is one sentence on stderr and exit code 1."""
    hear_interrupts()
    debug = "--debug" in sys.argv[1:]
    if debug:
        # Wherever it stands on the line, as people type it after the command.
        sys.argv = [sys.argv[0], *(word for word in sys.argv[1:] if word != "--debug")]
    try:
        try:
            app()
        finally:
            clear_bars()
    except VoxloopError as error:
        if debug:
            raise
        _say(str(error))
    except OSError as error:
        if debug:
            raise
        way_out = (
            "free some space and try again"
            if error.errno in (errno.ENOSPC, errno.EDQUOT)
            else "check the path and its rights"
        )
        _say(f"{error.filename or 'The system'}: {error.strerror or error}; {way_out}.")
    except Exception as error:
        if debug:
            raise
        _say(
            f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'} (run it again with --debug for the whole story)"
        )
    sys.exit(1)


def _say(sentence: str) -> None:
    print(f"voxloop: {sentence}", file=sys.stderr)
