"""``longiseg demo``: the sample study, in napari or without a screen."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from napari_longiseg.core.errors import InputError

# The window lives in layers above this one, and wants a process of its own with its own platform settings.
WINDOW = (sys.executable, "-m", "napari_longiseg._qt.demo")


def demo(
    out: Annotated[Path, typer.Option(help="Folder for what a run without a screen writes.")] = Path(
        "demo_output"
    ),
    headless: Annotated[
        bool, typer.Option("--headless", help="Do not open a window, even where there is a screen.")
    ] = False,
) -> None:
    """Open napari on the sample study; without a screen, track it and take a screenshot."""
    from napari_longiseg.io.sample import sample_folder

    folder = sample_folder()
    if has_screen() and not headless:
        typer.echo(f"Opening napari on {folder}.")
        raise typer.Exit(subprocess.call([*WINDOW, "--study", str(folder)]))
    _without_screen(folder, out)


def has_screen() -> bool:
    """Whether a window could be opened here."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _without_screen(folder: Path, out: Path) -> None:
    """Drive the real panel in a real napari window under a virtual screen, then show what it wrote."""
    from napari_longiseg.cli._lesion_table import print_lesions
    from napari_longiseg.io.results import check_output, read_results

    check_output(out, overwrite=True)
    if not shutil.which("xvfb-run"):
        msg = "Without a screen the demo needs a virtual one; install xvfb and xauth, then run it again."
        raise InputError(msg)
    typer.echo(f"Tracking {folder} in napari under a virtual screen; this takes a minute or two.", err=True)
    screenshot = out / "screenshot.png"
    done = subprocess.run(
        [
            *("xvfb-run", "-a", "-s", "-screen 0 1600x1000x24", *WINDOW, "--study", str(folder)),
            *("--screenshot", str(screenshot), "--out", str(out)),
        ],
        env=os.environ | {"QT_QPA_PLATFORM": "xcb", "LIBGL_ALWAYS_SOFTWARE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or not screenshot.is_file():
        tail = (done.stderr.strip().splitlines() or ["no message"])[-1]
        msg = f"The demo could not run under the virtual screen: {tail}"
        raise InputError(msg)
    print_lesions(read_results(out).rows)
    for what, name in (("Masks", "masks"), ("Table", "lesions.csv"), ("Record", "run.json")):
        typer.echo(f"{what + ':':<12}{out / name}")
    typer.echo(f"Screenshot: {screenshot}")
    typer.echo("Research use only.")
