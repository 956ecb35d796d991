"""Pairs by name: made when they are first asked for, and kept in a folder where one is given."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from napari_longiseg.core.errors import InputError
from pairs.pair import Pair, read, write


@dataclass(frozen=True)
class Recipe:
    """How a pair is made, and what is known of it before that.

    Attributes
    ----------
    name, group, held_out, refuse, like, swapped
        As of the :class:`~pairs.pair.Pair`.
    make : callable
        Takes the library, for pairs that are made of others.
    """

    group: str
    name: str
    make: Callable[[Library], Pair]
    held_out: bool = False
    refuse: bool = False
    like: str = ""
    swapped: bool = False


class Library:
    """All pairs of the benchmark.

    Parameters
    ----------
    recipes : iterable of Recipe
        Of different names.
    cache : path or None
        Folder for the pairs; they are made anew each time where it is None. Delete it when a study folder
        or this code has changed.

    Raises
    ------
    InputError
        When two recipes have one name.
    """

    def __init__(self, recipes: Iterable[Recipe], cache: Path | None = None) -> None:
        self.recipes: dict[str, Recipe] = {}
        for recipe in recipes:
            if recipe.name in self.recipes:
                msg = f"Two pairs are called {recipe.name!r}; give study folders of different names."
                raise InputError(msg)
            self.recipes[recipe.name] = recipe
        self.cache = cache
        self._last: tuple[str, Pair] | None = None

    def __getitem__(self, name: str) -> Pair:
        """The pair of this name."""
        if self._last is None or self._last[0] != name:
            self._last = name, self._found(name)
        return self._last[1]

    def pairs(self, group: str = "", held_out: bool | None = None) -> Iterator[Pair]:
        """The pairs of a group, tuned on or held out; of everything by default."""
        for name, recipe in self.recipes.items():
            if group in ("", recipe.group) and held_out in (None, recipe.held_out):
                yield self[name]

    def _found(self, name: str) -> Pair:
        recipe = self.recipes[name]
        path = self.cache / f"{re.sub(r'[^A-Za-z0-9]+', '-', name)}.npz" if self.cache else None
        pair = read(path) if path else None
        if pair is None:
            pair = recipe.make(self)
            if path:
                write(pair, path)
        return replace(
            pair, name=name, group=recipe.group, held_out=recipe.held_out, refuse=recipe.refuse,
            like=recipe.like, swapped=recipe.swapped,
        )  # fmt: skip
