"""``longiseg``: the same work without a screen. One file per verb."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import cast

import typer

from napari_longiseg.cli.demo import demo
from napari_longiseg.cli.evaluate import evaluate
from napari_longiseg.cli.models import models
from napari_longiseg.cli.synth import synth
from napari_longiseg.cli.track import track
from napari_longiseg.cli.train import train
from napari_longiseg.core.errors import LongisegError

INTERRUPTED = 130
"""What a shell expects of a program that Ctrl-C has stopped."""

# The common base of what typer says about arguments; typer exports its children only.
UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])

app = typer.Typer(
    name="longiseg",
    help="Track tumours through time on CT. Research use only.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # its tables cut the names of options on a narrow terminal
)
for verb in (demo, track, evaluate, synth, train):
    app.command()(verb)
app.add_typer(models, name="models")


def main() -> None:
    """Run the command line; what the user can mend ends with one sentence and exit code 2."""
    sys.exit(run(sys.argv[1:] or ["--help"]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    try:
        code = app(arguments, prog_name="longiseg", standalone_mode=False)
    except LongisegError as error:
        return _refuse(str(error))
    except UsageError as error:
        return _refuse(_advice(error))
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    if code == INTERRUPTED:
        print("longiseg: stopped.", file=sys.stderr)
    return code or 0


def _refuse(sentence: str) -> int:
    print(f"longiseg: {sentence}", file=sys.stderr)
    return 2


def _advice(error: typer.BadParameter) -> str:
    """What is wrong with the arguments, and where the right ones stand."""
    command = error.ctx.command_path if error.ctx else "longiseg"
    return f"{' '.join(error.format_message().split()).rstrip('.')}; see {command} --help."
