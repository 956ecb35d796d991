"""The results of the benchmark: one line of JSON per method and pair, written as soon as it is known."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import json
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Result = dict[str, Any]
UNAVAILABLE = "unavailable"
"""Outcome of a method that needs something that is not here: a package, weights, a file."""
PACKAGES = ("numpy", "scipy", "torch", "SimpleITK", "picsl-greedy", "unigradicon")


class Results:
    """A file of results; a later line replaces an earlier one of the same method and pair.

    Parameters
    ----------
    path : path
        Read where it exists, so that a run that was stopped goes on.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._found: dict[tuple[str, str], Result] = {}
        if path.exists():
            for result in _lines(path):
                self._found[result["method"], result["pair"]] = result

    def __iter__(self) -> Iterator[Result]:
        return iter(self._found.values())

    def get(self, method: str, pair: str) -> Result | None:
        """What was measured."""
        found = self._found.get((method, pair))
        return found if found and found["outcome"] != UNAVAILABLE else None

    def add(self, result: Result) -> None:
        """Keep a result, in the file first."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:  # the break comes first: what a killed run has left stays alone
            file.write("\n" + json.dumps(result))
        self._found[result["method"], result["pair"]] = result


def _lines(path: Path) -> Iterator[Result]:
    for line in path.read_text().splitlines():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:  # empty, or half a line of a run that was killed
            continue


def circumstances() -> dict[str, str]:
    """When, where and with what something is measured."""
    versions = [f"Python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    threads = os.environ.get("OMP_NUM_THREADS")
    limited = f", OMP_NUM_THREADS={threads}" if threads else ""
    return {
        "date": dt.date.today().isoformat(),
        "machine": f"{_processor()}, {os.cpu_count()} cores{limited}, {platform.system()}",
        "versions": ", ".join(versions),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
