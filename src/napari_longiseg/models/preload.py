"""Load torch and SimpleITK without stopping the other threads."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

LIBRARIES = ("libtorch_cpu", "libtorch", "libtorch_python")
"""The large ones; each loads what it needs."""


def preload_torch() -> None:
    """Load torch's libraries, where that has not been done.

    Python keeps all threads waiting while an import loads a library, a window's too: for torch, a second
    or more. Called like this the system's loader does not, and the import finds the libraries there.
    Where they cannot be found (Windows has no such function), nothing happens.
    """
    spec = _not_loaded("torch")
    if spec is not None:
        suffix = ".dylib" if sys.platform == "darwin" else ".so"
        _load(Path(spec).parent / "lib" / (name + suffix) for name in LIBRARIES)


def preload_simple_itk() -> None:
    """Load SimpleITK's library in the same way; that of a cold disk takes half a second and more."""
    spec = _not_loaded("SimpleITK")
    if spec is not None:
        _load(Path(spec).parent.glob("_SimpleITK*.so"))


def _not_loaded(package: str) -> str | None:
    """Where a package lies that is not imported yet, and can be loaded like this."""
    spec = None if package in sys.modules or os.name != "posix" else find_spec(package)
    return spec.origin if spec is not None else None


def _load(libraries: Iterable[Path]) -> None:
    load = ctypes.CDLL(None).dlopen  # unlike ctypes.CDLL itself, its functions let other threads go on
    load.argtypes, load.restype = [ctypes.c_char_p, ctypes.c_int], ctypes.c_void_p
    for path in libraries:
        if path.is_file():
            load(os.fsencode(path), os.RTLD_LAZY)
