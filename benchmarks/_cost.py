"""What work costs: wall time, processor time, memory."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_longiseg.core.errors import LongisegError
from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.progress import silent
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration.base import Registration


@dataclass(frozen=True)
class Cost:
    """Of aligning once, when all that the method loads on its first use is loaded."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    """Largest memory of the whole process so far; it holds both scans and nothing else."""


def timed(work: Callable[[], Any]) -> tuple[Any, Cost]:
    """What some work gives, and what it costs."""
    wall, cpu = time.perf_counter(), _cpu_s()
    found = work()
    return found, Cost(time.perf_counter() - wall, _cpu_s() - cpu, peak_mb())


def warm_up(method: Registration) -> None:
    """Let a method load what it loads once in a session: packages, weights, a device."""
    rng = np.random.default_rng(0)
    grid = Grid((24, 24, 24), (4.0, 4.0, 4.0))
    scans = [Scan(name, rng.integers(-200, 200, grid.shape).astype(np.int16), grid) for name in ("a", "b")]
    try:
        method.align(*scans, silent)
    except LongisegError:
        return


def peak_mb() -> float:
    """Largest memory of this process until now."""
    status = Path("/proc/self/status")
    if status.exists():  # what the kernel counts for getrusage includes the parent's, from before the fork
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1024**2 if sys.platform == "darwin" else 1024)


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)
