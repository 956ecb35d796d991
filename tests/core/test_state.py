from __future__ import annotations

import pytest

from napari_longiseg.core.lesion import Finding, Lesion, Origin, Presence
from napari_longiseg.core.proposal import Proposal
from napari_longiseg.core.state import State


@pytest.fixture
def found() -> Finding:
    return Finding(1, "T1", Presence.NOT_FOUND, Origin.PROPAGATED, "T0")


@pytest.fixture
def place() -> Proposal:
    return Proposal(1, "T1", (0.0, 0.0, 0.0), "T0")


def test_a_finding_and_a_proposal_take_each_others_place(found, place):
    state = State({1: Lesion(1)}).with_known(place)
    assert state.known((1, "T1")) is place
    assert state.with_known(found).known((1, "T1")) is found
    assert state.with_known(found).proposals == {}
    assert state.with_known(found).with_known(place).findings == {}


def test_every_change_makes_another_state(found):
    before = State({1: Lesion(1)})
    after = before.with_known(found).with_lesion(Lesion(1, "liver"))
    assert before.findings == {}
    assert before.lesions[1].name == ""
    assert after.without_known((1, "T1")).findings == {}
    assert after.without_lesion(1).lesions == {}
    assert after.without_lesion(1).findings == {}


def test_where_states_differ(found, place):
    one = State().with_known(found)
    assert one.differences(one.with_known(found)) == set()
    assert one.differences(one.with_known(place)) == {(1, "T1")}
    assert State().differences(one) == {(1, "T1")}
