"""Values that are dear to make, in memory: the most recent ones, each made by one thread for all."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock, get_ident
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

from napari_longiseg.core.errors import Underway
from napari_longiseg.core.progress import Progress

T = TypeVar("T")
LISTEN_S = 0.1
"""How often a thread that waits for another one's value looks whether its user has cancelled."""


class Shelf(Generic[T]):
    """The most recent values by key.

    Parameters
    ----------
    capacity : int
        How many to hold; the one unused for longest goes first.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._values: OrderedDict[Hashable, T] = OrderedDict()
        # A lock lives as long as a thread works or waits for its key.
        self._turns: WeakValueDictionary[Hashable, Lock] = WeakValueDictionary()
        self._lock = Lock()
        self._makers: dict[Hashable, int] = {}

    def get(self, key: Hashable, make: Callable[[], T], progress: Progress) -> T:
        """The value of a key, made now if it is not there.

        Threads that ask for the same key wait for the one that makes it. Where that one fails or is
        cancelled, the next one makes it.

        Raises
        ------
        Cancelled
            From *progress*, also while another thread works.
        Underway
            When this thread makes it already, and asks from within *progress*.
        """
        with self._lock:
            if key in self._values:
                return self._used(key)
            if self._makers.get(key) == get_ident():
                msg = "That alignment is under way; ask for it again when it is done."
                raise Underway(msg)
            turn = self._turns.setdefault(key, Lock())
        while not turn.acquire(timeout=LISTEN_S):
            progress("Waiting for the alignment that is under way", 0.0)
        try:
            with self._lock:
                if key in self._values:
                    return self._used(key)
                self._makers[key] = get_ident()
            value = make()
            with self._lock:
                self._values[key] = value
                while len(self._values) > self._capacity:
                    self._values.popitem(last=False)
            return value
        finally:
            self._makers.pop(key, None)
            turn.release()

    def _used(self, key: Hashable) -> T:
        self._values.move_to_end(key)
        return self._values[key]
