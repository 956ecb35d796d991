"""A registration is computed once per ordered pair, method and options, and once more around each lesion.

Maps are kept in memory and, where their method can restore them, on disk for the next run.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

from napari_longiseg.core.geometry import Point, as_point
from napari_longiseg.core.progress import Progress
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration._sharing import digest, packed, unpacked
from napari_longiseg.registration._shelf import Shelf
from napari_longiseg.registration.base import (
    PointMap,
    RefinablePointMap,
    Registration,
    RestoringRegistration,
    StorablePointMap,
)
from napari_longiseg.registration.store import MapStore
from napari_longiseg.registration.transforms import State

FORMAT = 1
"""Counts the changes of what the files hold; those of another format are never looked for."""
REFINED = 8
"""Refined maps in memory for every whole one."""


class RegistrationCache:
    """Gives point maps, and computes only those that are not known yet.

    Parameters
    ----------
    store : MapStore, optional
        Where maps are kept for the next run; by default nowhere. Only a :class:`RestoringRegistration`'s
        :class:`StorablePointMap` goes there.
    capacity : int
        How many maps to hold in memory, and eight times as many refined ones; the one unused for longest
        goes first. A map may hold on to its scans.
    """

    def __init__(self, store: MapStore | None = None, capacity: int = 32) -> None:
        self._store = store
        self._whole: Shelf[_Whole] = Shelf(capacity)
        self._near: Shelf[PointMap] = Shelf(REFINED * capacity)
        self._from_disk: set[str] = set()

    def point_map(self, method: Registration, source: Scan, target: Scan, progress: Progress) -> PointMap:
        """The map from *source* to *target*, aligned now if it is not known yet.

        Raises
        ------
        RegistrationError
            From the method.
        Cancelled
            From *progress*.
        """
        return self._aligned(method, source, target, progress).point_map

    def near(
        self, method: Registration, source: Scan, target: Scan, point_mm: Point, progress: Progress
    ) -> PointMap:
        """The best map that a method offers around one source point (LPS mm, order z, y, x).

        Raises
        ------
        RegistrationError
            From the method.
        Cancelled
            From *progress*.
        """
        whole = self._aligned(method, source, target, progress)
        base, point = whole.point_map, as_point(point_mm)
        if not isinstance(base, RefinablePointMap):
            return base

        def refined() -> PointMap:
            if not whole.state:
                return base.refined(point)
            # A refinement belongs to this very map: on a GPU, one aligned anew may differ by rounding.
            key = _hashed(whole.key, whole.digest, repr(point))
            kept = self._kept(key, method, source, target, whole.state)
            if kept is None:
                kept = base.refined(point)
                self._keep(key, self._state(method, kept), whole.state)
            return kept

        return self._near.get((whole.key, point), refined, progress)

    def came_from_disk(self, method: Registration, source: Scan, target: Scan) -> bool:
        """Whether the map that :meth:`point_map` has given was kept by an earlier run."""
        return map_key(method, source, target) in self._from_disk

    def _aligned(self, method: Registration, source: Scan, target: Scan, progress: Progress) -> _Whole:
        key = map_key(method, source, target)

        def aligned() -> _Whole:
            found = self._kept(key, method, source, target, {})
            if found is not None:
                self._from_disk.add(key)
                return _Whole(key, found, self._state(method, found))
            self._from_disk.discard(key)
            found = method.align(source, target, progress)
            whole = _Whole(key, found, self._state(method, found))
            self._keep(key, whole.state, {})
            return whole

        return self._whole.get(key, aligned, progress)

    def _state(self, method: Registration, found: PointMap) -> State:
        """What to keep of a map; nothing where it could not be restored."""
        if self._store is None or not isinstance(method, RestoringRegistration):
            return {}
        if type(method).__repr__ is object.__repr__ or not isinstance(found, StorablePointMap):
            return {}  # a method without a repr of its own is known by its address, which others get, too
        try:
            state = found.state()
        except TypeError:  # a transform that cannot be written
            return {}
        # Python objects could be written as a pickle only, and reading one runs whatever is in it.
        return {} if any(array.dtype.hasobject for array in state.values()) else state

    def _keep(self, key: str, state: State, shared: State) -> None:
        if self._store is None or not state:
            return
        self._store.write(key, packed(state, shared))

    def _kept(
        self, key: str, method: Registration, source: Scan, target: Scan, shared: State
    ) -> PointMap | None:
        """A map of an earlier run."""
        if self._store is None or not isinstance(method, RestoringRegistration):
            return None
        content = self._store.read(key)
        if content is None:
            return None
        try:
            return method.restore(unpacked(content, shared), source, target)
        except (LookupError, TypeError, ValueError):
            self._store.discard(key)
            return None


def map_key(method: Registration, source: Scan, target: Scan) -> str:
    """What a map depends on, as a hash: both scans, the method, its version and all of its options.

    ``device`` is one of the options. Maps of two devices differ by rounding only, but whoever asks for
    another device wants to see what that one does, and ``run.json`` must not name one that did nothing.
    """
    cls = type(method)
    return _hashed(
        str(FORMAT),
        source.key,
        target.key,
        f"{cls.__module__}.{cls.__qualname__}",
        method.name,
        getattr(method, "version", ""),
        repr(method),
    )


def _hashed(*parts: str) -> str:
    return blake2b(repr(parts).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, eq=False)
class _Whole:
    """The map of two whole scans.

    Attributes
    ----------
    state : mapping
        What is kept on disk of it; empty where nothing is.
    """

    key: str
    point_map: PointMap
    state: State

    @cached_property
    def digest(self) -> str:
        """Tells this map from all others."""
        return digest(self.state)
