"""Maps between any two scans of a study, put together from those pairs that were aligned."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from napari_longiseg.core.errors import Cancelled, LongisegError
from napari_longiseg.core.progress import Progress, scaled
from napari_longiseg.core.scan import Scan, Study
from napari_longiseg.registration.base import PointMap, Registration, bound_to
from napari_longiseg.registration.cache import RegistrationCache
from napari_longiseg.registration.inverse import Carry, inverted
from napari_longiseg.registration.transforms import Affine, Chain


@dataclass(frozen=True, eq=False)
class Link:
    """A pair of scans, there and back.

    Attributes
    ----------
    source, target : str
        Ids of the scans.
    there, back : Carry or None
        Source to target, target to source; None where the scans could not be aligned.
    reason : str
        Why they could not.
    """

    source: str
    target: str
    there: Carry | None = None
    back: Carry | None = None
    reason: str = ""

    @classmethod
    def of(cls, source: Scan, target: Scan, point_map: PointMap) -> Link:
        """The link of two scans by a point map, made quick by a first use of both ways.

        Raises
        ------
        RegistrationError
            When the map has no way back.
        """
        back = inverted(point_map, source.grid)
        back(point_map([source.grid.middle_mm]))
        return cls(source.id, target.id, point_map, back)


class StudyLinks:
    """Carries points between the scans of a study by the fewest maps that lead from one to the other."""

    def __init__(self) -> None:
        self._steps: dict[str, dict[str, Carry]] = {}
        self._aligned: set[tuple[str, str]] = set()
        self._found: dict[tuple[str, str], Carry | None] = {}

    @property
    def empty(self) -> bool:
        """Whether no pair is known."""
        return not self._steps

    def add(self, link: Link) -> None:
        """Know one more pair, in place of an earlier link there; a map of its own beats a way back."""
        if link.there is None or link.back is None:
            return
        self._steps.setdefault(link.source, {})[link.target] = link.there
        self._aligned.add((link.source, link.target))
        if (link.target, link.source) not in self._aligned:
            self._steps.setdefault(link.target, {})[link.source] = link.back
        self._found.clear()

    def between(self, source: str, target: str) -> Carry | None:
        """The map from one scan to another: direct, else backwards, else over other scans; None without any.

        A scan leads to itself. What is returned takes points (N, 3), LPS mm in the order (z, y, x).
        """
        key = source, target
        if key not in self._found:
            self._found[key] = self._path(source, target)
        return self._found[key]

    def _path(self, source: str, target: str) -> Carry | None:
        if source == target:
            return Affine.identity()
        paths: dict[str, tuple[Carry, ...]] = {source: ()}
        queue = deque([source])
        while queue:
            here = queue.popleft()
            for neighbour, step in self._steps.get(here, {}).items():
                if neighbour not in paths:
                    paths[neighbour] = (*paths[here], step)
                    queue.append(neighbour)
        steps = paths.get(target)
        if steps is None:
            return None
        return steps[0] if len(steps) == 1 else Chain(steps)  # type: ignore[arg-type]  # used forwards only


def hub_of(study: Study) -> Scan:
    """The scan to align all others with: it shares most with the rest; of equals, the middle date."""
    middle = (len(study.scans) - 1) / 2
    places = {scan.id: abs(place - middle) for place, scan in enumerate(study.scans)}

    def shared(scan: Scan) -> float:
        return sum(float(np.prod(scan.grid.overlap_mm(other.grid))) for other in study.scans)

    return min(study.scans, key=lambda scan: (-round(shared(scan) / 1e6, 1), places[scan.id]))


def align_links(
    study: Study,
    method: Registration,
    cache: RegistrationCache,
    progress: Progress,
    source: str | None = None,
) -> Iterator[Link]:
    """Align one scan with each of the others, as tracking from that scan would.

    Parameters
    ----------
    study : Study
        All scans.
    method : Registration
        How to align.
    cache : RegistrationCache
        That of tracking: a pair is aligned once.
    progress : Progress
        Told of every pair.
    source : str, optional
        The scan to start from; by default :func:`hub_of`.

    Yields
    ------
    Link
        One for each other scan, as it comes; those that cannot be aligned say why.

    Raises
    ------
    Cancelled
        From *progress*.
    """
    hub = study.scan(source) if source is not None else hub_of(study)
    others = [scan for scan in study.scans if scan.id != hub.id]
    bound = bound_to(method, study)
    for number, target in enumerate(others):
        part = scaled(progress, number / len(others), (number + 1) / len(others))
        try:
            link = Link.of(hub, target, cache.point_map(bound, hub, target, part))
        except Cancelled:
            raise
        except LongisegError as error:
            link = Link(hub.id, target.id, reason=str(error))
        yield link
