"""Named arrays for a file, each array once: a refined map repeats most of the map that it refines."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_longiseg.registration.transforms import State

_PLACES = "places"


def packed(state: State, shared: State) -> dict[str, npt.NDArray[Any]]:
    """What to write of a state: its own arrays once, and where each of its names is found.

    Parameters
    ----------
    state : mapping
        Arrays by name. The same array under several names is written once.
    shared : mapping
        Arrays by name that whoever reads the file has, too. They are not written.
    """
    own: dict[int, str] = {}
    theirs = {id(array): name for name, array in shared.items()}
    content: dict[str, npt.NDArray[Any]] = {}
    places: dict[str, tuple[str, str]] = {}
    for name, array in state.items():
        if id(array) in theirs:
            places[name] = ("shared", theirs[id(array)])
            continue
        number = own.setdefault(id(array), str(len(own)))
        content[number] = array
        places[name] = ("own", number)
    return content | {_PLACES: np.array(json.dumps(places))}


def unpacked(content: State, shared: State) -> dict[str, npt.NDArray[Any]]:
    """The state that :func:`packed` has taken apart; ValueError where it has not."""
    homes = {"own": content, "shared": shared}
    try:
        places: dict[str, tuple[str, str]] = dict(json.loads(str(content[_PLACES])))
        return {name: homes[home][at] for name, (home, at) in places.items()}
    except (LookupError, TypeError, ValueError) as error:
        msg = "These arrays are no packed state."
        raise ValueError(msg) from error


def digest(state: State) -> str:
    """A hash of all names and arrays; whether two names share an array does not matter."""
    found = blake2b(digest_size=16)
    known: dict[int, bytes] = {}
    for name in sorted(state):
        array = state[name]
        if id(array) not in known:
            known[id(array)] = blake2b(array.tobytes(), digest_size=16).digest()
        found.update(repr((name, array.dtype.str, array.shape, known[id(array)])).encode())
    return found.hexdigest()
