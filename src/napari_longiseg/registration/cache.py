"""A registration is computed once per ordered pair, method and options, however many lesions there are."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from napari_longiseg.core.progress import Progress
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration.base import PointMap, Registration


class RegistrationCache:
    """Keeps the most recent point maps in memory.

    Parameters
    ----------
    capacity : int
        How many maps to keep; the one unused for longest goes first.
    """

    def __init__(self, capacity: int = 32) -> None:
        self._capacity = capacity
        self._maps: OrderedDict[tuple[str, str, str, str], PointMap] = OrderedDict()
        self._lock = Lock()

    def point_map(self, method: Registration, source: Scan, target: Scan, progress: Progress) -> PointMap:
        """The map from *source* to *target*, aligned now if it is not known yet."""
        key = (source.key, target.key, method.name, repr(method))
        with self._lock:
            if key in self._maps:
                self._maps.move_to_end(key)
                return self._maps[key]
        found = method.align(source, target, progress)
        with self._lock:
            self._maps[key] = found
            while len(self._maps) > self._capacity:
                self._maps.popitem(last=False)
        return found
