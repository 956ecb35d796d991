from dataclasses import replace

import numpy as np
import pytest

from napari_longiseg.core.lesion import Finding, LesionMask, Origin, Presence, Review
from napari_longiseg.core.scan import Scan
from napari_longiseg.tracking.correspondence import reconcile, settled
from napari_longiseg.tracking.findings import with_mask


@pytest.fixture
def scan(grid):
    return Scan("T1", np.zeros(grid.shape, np.int16), grid)


@pytest.fixture
def found(scan, make_ball):
    def make(lesion, centre, radius, origin=Origin.PROPAGATED):
        draft = Finding(lesion, "T1", Presence.PRESENT, origin, "T0")
        return with_mask(draft, LesionMask.of(make_ball(scan.grid, centre, radius)), scan)

    return make


def test_strangers_stay_as_they_are(scan, found):
    pair = [found(1, (-10, 30, 15), 5), found(2, (-10, 30, 40), 5)]
    assert reconcile(pair, scan, {}) == pair


def test_overlap_is_shared_out_and_measured_again(scan, found):
    a, b = found(1, (-10, 30, 20), 6), found(2, (-10, 30, 28), 6)
    after_a, after_b = reconcile([a, b], scan, {})
    on_a, on_b = after_a.mask.on(scan.grid.shape), after_b.mask.on(scan.grid.shape)
    assert not (on_a & on_b).any()
    np.testing.assert_array_equal(on_a | on_b, a.mask.on(scan.grid.shape) | b.mask.on(scan.grid.shape))
    assert after_a.measurements.volume_ml < a.measurements.volume_ml
    assert after_a.measurements.volume_ml == pytest.approx(on_a.sum() * scan.grid.voxel_ml)


@pytest.mark.parametrize(("source_ml", "keeper"), [({1: 0.5, 2: 2.0}, 2), ({1: 2.0, 2: 0.5}, 1)])
def test_coalesced_lesions_merge_into_the_one_that_was_larger(scan, found, source_ml, keeper):
    a, b = found(1, (-10, 30, 22), 8), found(2, (-10, 30, 26), 8)
    after = {f.lesion: f for f in reconcile([a, b], scan, source_ml)}
    kept, merged = after[keeper], after[3 - keeper]
    np.testing.assert_array_equal(
        kept.mask.on(scan.grid.shape), a.mask.on(scan.grid.shape) | b.mask.on(scan.grid.shape)
    )
    assert kept.measurements.volume_ml > max(a.measurements.volume_ml, b.measurements.volume_ml)
    assert merged.merged_into == keeper
    assert merged.presence is Presence.PRESENT
    assert merged.mask is None
    assert merged.reason == f"Merged into lesion {keeper} and measured there."


def test_what_was_doubtful_before_a_merger_is_still_said(scan, found):
    a, b = found(1, (-10, 30, 22), 8), replace(found(2, (-10, 30, 26), 8), reason="They hardly agree.")
    merged = reconcile([a, b], scan, {})[1]
    assert merged.reason == "Merged into lesion 1 and measured there. They hardly agree."


def test_what_a_reader_clicked_is_not_merged(scan, found):
    a, b = found(1, (-10, 30, 24), 8, Origin.SOURCE), found(2, (-10, 30, 26), 8, Origin.SOURCE)
    assert all(f.merged_into is None and f.mask for f in reconcile([a, b], scan, {}))


def test_a_reader_s_click_wins_over_a_propagated_point(scan, found):
    clicked = found(1, (-10, 30, 20), 6, Origin.SOURCE)
    beside, within = found(2, (-10, 30, 29), 6), found(3, (-10, 30, 21), 5)
    kept, rest, merged = reconcile([clicked, beside, within], scan, {})
    assert kept is clicked
    assert rest.merged_into is None
    assert not (rest.mask.on(scan.grid.shape) & clicked.mask.on(scan.grid.shape)).any()
    assert merged.merged_into == 1


def test_so_does_what_a_reader_has_accepted(scan, found):
    accepted = replace(found(1, (-10, 30, 22), 8), review=Review.ACCEPTED)
    kept, merged = reconcile([accepted, found(2, (-10, 30, 24), 6)], scan, {2: 9.0})
    assert kept is accepted
    assert merged.merged_into == 1


def test_only_what_is_new_or_has_changed_comes_of_a_scan(scan, found):
    """Volumes on the source scans decide who is merged into whom, those of known lesions, too."""
    new, stranger = found(2, (-10, 30, 22), 8), found(3, (-10, 30, 45), 4)
    before, elsewhere = found(1, (-10, 30, 26), 8), replace(found(1, (-10, 30, 26), 9), scan="T0")
    smaller = replace(found(2, (-10, 30, 22), 5), scan="T0")
    changed, merged = settled([new], [before, elsewhere, stranger], scan, [smaller])
    assert (changed.lesion, merged.lesion, merged.merged_into) == (1, 2, 1)
    assert settled([stranger], [before], scan, []) == [stranger]
