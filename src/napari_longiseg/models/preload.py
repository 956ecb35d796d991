"""Load torch without stopping the other threads."""

from __future__ import annotations

import ctypes
import os
import sys
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
    spec = None if "torch" in sys.modules or os.name != "posix" else find_spec("torch")
    if spec is None or spec.origin is None:
        return
    load = ctypes.CDLL(None).dlopen  # unlike ctypes.CDLL itself, its functions let other threads go on
    load.argtypes, load.restype = [ctypes.c_char_p, ctypes.c_int], ctypes.c_void_p
    suffix = ".dylib" if sys.platform == "darwin" else ".so"
    for name in LIBRARIES:
        path = Path(spec.origin).parent / "lib" / (name + suffix)
        if path.is_file():
            load(os.fsencode(path), os.RTLD_LAZY)
