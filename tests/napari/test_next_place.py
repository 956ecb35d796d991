"""Where a reader is taken next."""

from __future__ import annotations

import pytest

from napari_longiseg._napari.next_place import NextPlace, next_place
from napari_longiseg.core.proposal import Proposal
from napari_longiseg.session import Session, review

NEAR = (0.0, 0.0, 0.0)


@pytest.fixture
def begun(session, study, make_finding) -> Session:
    """Lesion 1 outlined on T0, expected on T1 and T2."""
    session.open(study)
    session.set_known(make_finding(study, 1, "T0", NEAR))
    for scan in ("T1", "T2"):
        session.set_known(Proposal(1, scan, NEAR, "T0"))
    return session


@pytest.mark.parametrize(
    ("current", "hidden", "waiting", "expected"),
    [
        (None, (), (), NextPlace((1, "T0"))),
        ((1, "T0"), (), (), NextPlace((1, "T1"))),
        ((1, "T0"), ("T1",), (), NextPlace((1, "T2"))),
        ((1, "T0"), (), ((1, "T1"),), NextPlace((1, "T2"))),
        ((1, "T0"), ("T2",), ((1, "T1"),), NextPlace(None)),
    ],
)
def test_what_is_not_shown_or_not_there_yet_is_passed_over(begun, current, hidden, waiting, expected):
    assert next_place(begun, current, finish=True, hidden=hidden, waiting=waiting) == expected


def test_where_all_else_is_reviewed_what_is_to_come_is_waited_for(begun):
    review.accept(begun, 1, "T0")
    waiting = [(1, "T1"), (1, "T2")]
    found = next_place(begun, (1, "T0"), finish=True, hidden=(), waiting=waiting)
    assert found == NextPlace((1, "T1"), "All else is reviewed: wait for what is being outlined.")
    assert next_place(begun, (1, "T2"), finish=True, hidden=(), waiting=waiting).key is None


def test_where_nothing_is_left_that_is_said(begun):
    for scan in ("T0", "T1", "T2"):
        review.not_evaluable(begun, 1, scan)
    found = next_place(begun, (1, "T2"), finish=False, hidden=("T1",), waiting=())
    assert found == NextPlace(None, "All that was found is reviewed.")


def test_where_only_hidden_scans_are_left_that_is_said(begun):
    review.accept(begun, 1, "T0")
    review.not_evaluable(begun, 1, "T2")
    found = next_place(begun, (1, "T2"), finish=True, hidden=("T1",), waiting=())
    assert found.key is None
    assert found.sentence.startswith("All is reviewed but what lies on T1.")
