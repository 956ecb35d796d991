"""How lesions change over the dates: grow, shrink, stay, vanish, appear, merge, split."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from napari_longiseg.core.errors import InputError


class Host(StrEnum):
    """Where a lesion sits."""

    LUNG = "lung"
    LIVER = "liver"
    NODE = "node"
    BONE = "bone"


class Course(StrEnum):
    """What becomes of a lesion."""

    GROW = "grow"
    SHRINK = "shrink"
    STABLE = "stable"
    VANISH = "vanish"
    APPEAR = "appear"
    MERGE = "merge"
    """Two lesions that grow into one; counts as two."""
    SPLIT = "split"
    """One lesion of two lobes that shrinks and falls apart; the second part is a lesion of its own then."""


DIAMETER_MM = {
    Host.LUNG: (13.0, 22.0),
    Host.LIVER: (18.0, 30.0),
    Host.NODE: (12.0, 18.0),
    Host.BONE: (9.0, 13.0),
}
LARGEST_FACTOR = {Host.LUNG: 5.0, Host.LIVER: 4.0, Host.NODE: 2.5, Host.BONE: 1.8}
"""How many times its first volume a growing lesion may reach; bounded by the room that its host has."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One wished-for lesion: where it sits, what becomes of it, its diameter (None: chosen by chance)."""

    host: Host
    course: Course
    diameter_mm: float | None = None

    @classmethod
    def parse(cls, text: str) -> Plan:
        """Read ``HOST:COURSE`` or ``HOST:COURSE:DIAMETER_MM``, e.g. ``lung:grow`` or ``liver:shrink:24``.

        Raises
        ------
        InputError
            When the text is none of that; the message names the choices.
        """
        parts = text.strip().lower().split(":")
        try:
            host, course = Host(parts[0]), Course(parts[1])
            diameter = float(parts[2]) if len(parts) == 3 else None
        except (ValueError, IndexError):
            parts = []
        if len(parts) not in (2, 3) or (diameter is not None and not 3.0 <= diameter <= 80.0):
            msg = (
                f"{text!r} does not describe a lesion; write HOST:COURSE or HOST:COURSE:DIAMETER_MM with "
                f"{', '.join(Host)}; {', '.join(Course)}; 3 to 80 mm."
            )
            raise InputError(msg)
        return cls(host, course, diameter)


def volume_factors(plan: Plan, dates: int, rng: np.random.Generator) -> tuple[float, ...]:
    """Volume of a lesion per date: 1 on its first date, 0 where it is not there.

    For merge and split: of each of the two bodies, before they are fitted to their distance on each date.
    """
    steps = max(dates - 1, 1)
    t = np.arange(dates)
    last = (t == dates - 1) & (dates > 1)
    match plan.course:
        case Course.GROW:
            factors = 1.0 + rng.uniform(0.5, 1.0) * (LARGEST_FACTOR[plan.host] - 1.0) * t / steps
        case Course.SHRINK:
            factors = rng.uniform(0.2, 0.4) ** (t / steps)
        case Course.STABLE:
            factors = np.where(t > 0, rng.uniform(0.95, 1.05, dates), 1.0)
        case Course.VANISH:
            factors = np.where(last, 0.0, 0.4 ** (t / steps))
        case Course.APPEAR:
            first = min((dates + 1) // 2, dates - 1)
            factors = np.where(t >= first, 1.4 ** (t - first), 0.0)
        case Course.MERGE:
            factors = np.where(last, 5.0, 1.3 ** (t / steps))
        case Course.SPLIT:
            factors = np.where(last, 0.2, 0.7 ** (t / steps))
    return tuple(float(f) for f in factors)
