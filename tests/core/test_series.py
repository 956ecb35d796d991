from __future__ import annotations

from dataclasses import replace

import pytest

from napari_longiseg.core.lesion import Finding, Lesion, Measurements, Origin, Presence, Review
from napari_longiseg.core.series import (
    THRESHOLDS,
    Size,
    best_changes,
    progression_levels,
    sizes,
    timeline,
)

ENDS = ((0.0, 0.0, 0.0), (0.0, 0.0, 14.0))
SCANS = ("T0", "T1", "T2")


def seen(volume_ml: float, long_axis_mm: float) -> Finding:
    size = Measurements(volume_ml, long_axis_mm, 5.0, 40.0, ENDS, ENDS)
    return Finding(1, "T0", Presence.PRESENT, Origin.PROPAGATED, "T0", measurements=size)


def unseen(presence: Presence, **changes) -> Finding:
    return Finding(1, "T0", presence, Origin.PROPAGATED, "T0", **changes)


GONE, AWAY = unseen(Presence.RESOLVED), unseen(Presence.OUT_OF_VIEW)


@pytest.fixture
def follow(study):
    """A timeline of rows with one finding, or None, per scan."""

    def follow(rows, size=Size.VOLUME, scans=study):
        known = {(i, scan): one for i, row in rows.items() for scan, one in zip(SCANS, row, strict=True)}
        return timeline(scans, [Lesion(i) for i in rows], lambda *key: known[key], size)

    return follow


def test_what_is_gone_measures_nothing_and_what_nobody_can_say_is_none():
    assert sizes(seen(1.5, 14.0)) == (1.5, 14.0, 5.0, 40.0)
    assert sizes(GONE) == (0.0, 0.0, 0.0, None)
    assert sizes(unseen(Presence.NOT_FOUND, review=Review.ACCEPTED)) == (0.0, 0.0, 0.0, None)
    for presence in (Presence.NOT_FOUND, Presence.OUT_OF_VIEW, Presence.NOT_EVALUABLE):
        assert sizes(unseen(presence)) == (None,) * 4
    assert sizes(unseen(Presence.NOT_FOUND, merged_into=2)) == (None,) * 4


def test_time_runs_in_days_where_all_scans_are_dated(follow, study):
    row = {1: [seen(1, 10), seen(2, 12), GONE]}
    line = follow(row)
    assert line.dated
    assert line.times == tuple((scan.date - study.scans[0].date).days for scan in study.scans)
    assert line.courses[0].values == (1, 2, 0)
    undated = replace(study, scans=(replace(study.scans[0], date=None), *study.scans[1:]))
    assert not follow(row, scans=undated).dated
    same = replace(study, scans=tuple(replace(s, date=study.scans[0].date) for s in study.scans))
    assert follow(row, scans=same).times == (0, 1, 2)


def test_what_a_reader_has_seen_is_told_from_what_was_only_found(follow):
    accepted = replace(seen(1, 10), review=Review.ACCEPTED)
    line = follow({1: [accepted, seen(1, 10), replace(accepted, review=Review.EDITED)]})
    assert line.courses[0].reviewed == (True, False, True)


def test_lesions_of_which_nothing_is_known_are_no_course_but_missing_in_the_sum(follow):
    line = follow({1: [seen(1, 10), GONE, seen(3, 12)], 2: [None, None, AWAY]})
    assert [course.lesion for course in line.courses] == [1]
    assert line.total.values == (1, 0, 3)
    assert line.total.missing == ((2,), (2,), (2,))
    assert line.total.complete == (None, None, None)


def test_a_merged_lesion_is_measured_with_the_other_and_not_missing(follow):
    line = follow(
        {1: [seen(1, 10), seen(4, 18), GONE], 2: [seen(2, 11), unseen(Presence.PRESENT, merged_into=1), GONE]}
    )
    assert line.courses[1].values == (2, None, 0)
    assert line.total.complete == (3, 4, 0)


def test_the_sum_of_long_axes_is_of_measurable_lesions(follow):
    rows = {
        1: [seen(1, 10), seen(1, 9), GONE],
        2: [seen(1, 9.9), seen(1, 12), GONE],
        3: [GONE, seen(1, 15), AWAY],
    }
    total = follow(rows, Size.LONG_AXIS).total
    assert total.lesions == (1, 3)
    assert total.values == (10, 24, 0)
    assert total.missing == ((), (), (3,))
    assert follow({2: rows[2]}, Size.LONG_AXIS).total.values == (None,) * 3


def test_best_change_is_from_the_first_scan_or_none(follow):
    rows = {
        1: [seen(2, 10), seen(1, 8), seen(3, 12)],
        2: [seen(2, 10), seen(3, 11), AWAY],
        3: [seen(2, 10), AWAY, GONE],
        4: [GONE, seen(1, 10), seen(2, 12)],
        5: [AWAY, seen(1, 10), seen(2, 12)],
        6: [seen(1, 10), None, AWAY],
    }
    changes = best_changes(follow(rows))
    assert [(change.lesion, change.pct, change.scan) for change in changes] == [
        (2, 50, "T1"), (1, -50, "T1"), (3, -100, "T2"),
    ]  # fmt: skip


def test_thresholds_of_response():
    axis, volume = THRESHOLDS[Size.LONG_AXIS], THRESHOLDS[Size.VOLUME]
    assert axis.response(100) == pytest.approx(70)
    assert axis.progression(100) == pytest.approx(120)
    assert axis.progression(10) == 15  # 20 % of it would be less than 5 mm
    assert volume.response_pct == pytest.approx(-65.7)
    assert volume.progression_pct == pytest.approx(72.8)
    assert progression_levels((50, 40, None, 60), axis) == (None, 60, 48, 48)
    assert [size.unit for size in Size] == ["ml", "mm"]
