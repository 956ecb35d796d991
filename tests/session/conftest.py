"""A session at work on the phantom study, and findings to put into it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from napari_longiseg.core.geometry import Point
from napari_longiseg.core.lesion import Finding, LesionMask, Origin, Presence
from napari_longiseg.core.proposal import Proposal
from napari_longiseg.core.scan import Study
from napari_longiseg.session import Session
from napari_longiseg.tracking.findings import with_mask

MakeFinding = Callable[..., Finding]
MakeMask = Callable[..., LesionMask]


@pytest.fixture
def session(study: Study) -> Session:
    session = Session()
    session.open(study)
    return session


@pytest.fixture
def make_mask(study: Study, make_ball: Callable) -> MakeMask:
    def make(scan: str, *balls: tuple[Point, float]) -> LesionMask:
        masks = [make_ball(study.scan(scan).grid, *one) for one in balls]
        return LesionMask.of(sum(masks) > 0)

    return make


@pytest.fixture
def outlined(study: Study, make_mask: MakeMask) -> MakeFinding:
    """A finding with an outline of balls, given as (centre in mm, radius in mm)."""

    def make(lesion: int, scan: str, *balls: tuple[Point, float]) -> Finding:
        draft = Finding(lesion, scan, Presence.PRESENT, Origin.PROPAGATED, "T0", confidence=0.9)
        return with_mask(draft, make_mask(scan, *balls or (((0.0, 0.0, 0.0), 6),)), study.scan(scan))

    return make


@pytest.fixture
def proposal() -> Proposal:
    return Proposal(1, "T1", (1.0, 2.0, 3.0), "T0", 2.5, "rigid")
