"""Run greedy in a process of its own.

Its library holds Python's lock while it works, so that a window would stand still for as long, prints to
the process's standard output, and cannot be stopped. A process can.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from napari_longiseg.core.errors import RegistrationError
from napari_longiseg.registration._itk.run import PATIENCE_S, Tick

SCRIPT = "import sys; from picsl_greedy import Greedy3D; Greedy3D().execute(sys.argv[1])"


def run_greedy(command: str, folder: Path, tick: Tick) -> None:
    """Execute one command of greedy's.

    Parameters
    ----------
    command : str
        As on its command line; its files are those of the folder, without spaces.
    folder : Path
        Where it works; what it prints goes to ``log.txt`` there.
    tick : callable
        Called ten times a second with 0, and with 1 at the end. What it raises ends the process.

    Raises
    ------
    RegistrationError
        When it does not start, or fails.
    """
    log = folder / "log.txt"
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                [sys.executable, "-c", SCRIPT, command],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # a console, on Windows
            )
        except OSError as error:
            msg = f"greedy cannot be started ({error.strerror or error}); use another registration."
            raise RegistrationError(msg) from error
        try:
            while True:
                tick(0.0)
                try:
                    code = process.wait(PATIENCE_S)
                    break
                except subprocess.TimeoutExpired:
                    continue
        finally:
            process.kill()
            process.wait()
    if code != 0:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or [f"code {code}"]
        msg = f"greedy failed to align the scans ({lines[-1].strip()}); use another registration."
        raise RegistrationError(msg)
    tick(1.0)
