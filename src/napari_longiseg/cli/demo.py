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
    from napari_longiseg.cli._console import progress_bar
    from napari_longiseg.cli._run import print_findings, track_and_write
    from napari_longiseg.io.manifest import load_study

    with progress_bar() as progress:
        study = load_study(folder, progress)
    findings = track_and_write(study, out, overwrite=True)
    print_findings(study, findings)
    typer.echo(f"Masks:      {out / 'masks'}")
    typer.echo(f"Table:      {out / 'lesions.csv'}")
    typer.echo(f"Record:     {out / 'run.json'}")
    screenshot = out / "screenshot.png"
    _take_screenshot(folder, screenshot)
    typer.echo(f"Screenshot: {screenshot}")
    typer.echo("Research use only.")


def _take_screenshot(folder: Path, png: Path) -> None:
    """Drive the real panel in a real napari window under a virtual screen."""
    if not shutil.which("xvfb-run"):
        msg = "The screenshot needs a virtual screen; install xvfb and xauth, then run the demo again."
        raise InputError(msg)
    command = ["xvfb-run", "-a", "-s", "-screen 0 1600x1000x24", *WINDOW]
    environment = os.environ | {"QT_QPA_PLATFORM": "xcb", "LIBGL_ALWAYS_SOFTWARE": "1"}
    done = subprocess.run(
        [*command, "--study", str(folder), "--screenshot", str(png)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or not png.is_file():
        tail = "\n".join(done.stderr.strip().splitlines()[-5:])
        msg = f"The napari window could not be shown under the virtual screen: {tail}"
        raise InputError(msg)
