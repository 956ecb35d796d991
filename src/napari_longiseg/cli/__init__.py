"""``longiseg``: the same work without a screen. One file per verb."""

from __future__ import annotations

import sys

import typer

from napari_longiseg.cli.demo import demo
from napari_longiseg.cli.evaluate import evaluate
from napari_longiseg.cli.synth import synth
from napari_longiseg.cli.track import track
from napari_longiseg.core.errors import LongisegError

app = typer.Typer(
    name="longiseg",
    help="Track tumours through time on CT. Research use only.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for verb in (demo, track, evaluate, synth):
    app.command()(verb)


def main() -> None:
    """Run the command line; what the user can mend ends with one sentence and exit code 2."""
    try:
        app()
    except LongisegError as error:
        print(f"longiseg: {error}", file=sys.stderr)
        sys.exit(2)
