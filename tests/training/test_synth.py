import dataclasses

import numpy as np
import pytest
from scipy import ndimage

from napari_longiseg.core.components import CONNECTIVITY
from napari_longiseg.core.errors import Cancelled, InputError
from napari_longiseg.training.synth import SynthOptions, make_study


def lesion(synthetic, kind, **wanted):
    return next(
        t for t in synthetic.lesions if t.kind == kind and all(getattr(t, k) == v for k, v in wanted.items())
    )


def growth(synthetic, number):
    return np.array(synthetic.lesions[number - 1].growth)


def parts(synthetic, scan, *ids):
    return ndimage.label(np.isin(synthetic.labels[scan], ids), structure=CONNECTIVITY)[1]


def test_same_seed_gives_the_same_bytes(tiny):
    again = make_study(tiny.options)
    for a, b in zip(tiny.study.scans, again.study.scans, strict=True):
        assert a.key == b.key
        np.testing.assert_array_equal(tiny.labels[a.id], again.labels[b.id])
    assert again.lesions == tiny.lesions


def test_another_seed_gives_another_study(tiny):
    other = make_study(dataclasses.replace(tiny.options, seed=2))
    assert other.study.scans[0].key != tiny.study.scans[0].key


def test_scans_are_int16_on_lps_grids_of_their_own(synthetic):
    scans = synthetic.study.scans
    assert [s.id for s in scans] == ["T0", "T1", "T2"]
    assert all(s.image.dtype == np.int16 and s.grid.is_lps for s in scans)
    assert scans[0].grid.shape == synthetic.options.shape
    assert scans[0].grid.spacing_mm == synthetic.options.spacing_mm
    assert len({s.grid.spacing_mm for s in scans}) == len({s.grid.origin_mm for s in scans}) == 3
    assert scans[0].date < scans[1].date < scans[2].date


@pytest.mark.parametrize("dates", [1, 4])
def test_any_number_of_dates(tiny, dates):
    study = make_study(
        dataclasses.replace(tiny.options, dates=dates, lesions=("lung:merge:14", "liver:split:16"))
    )
    assert len(study.study.scans) == dates
    assert len(study.lesions) == (3 if dates == 1 else 4)


def test_labels_hold_exactly_the_lesions_that_are_there(synthetic):
    for date, scan in enumerate(synthetic.study.scans):
        there = {t.id for t in synthetic.lesions if t.growth[date] > 0}
        assert set(np.unique(synthetic.labels[scan.id])) == there | {0}
        assert synthetic.labels[scan.id].dtype == np.uint16


def test_volumes_follow_the_courses(synthetic):
    grow, vanish, appear = (growth(synthetic, i) for i in (1, 2, 3))
    assert 1.0 < grow[1] < grow[2]
    assert vanish[0] == 1.0
    assert 0.0 < vanish[1] < 1.0
    assert vanish[2] == 0.0
    np.testing.assert_array_equal(appear, (0.0, 0.0, 1.0))
    shrink = growth(synthetic, 6)
    assert shrink[2] < shrink[1] < 1.0


def test_stable_lesions_keep_their_volume(synthetic):
    for kind in ("node", "bone"):
        np.testing.assert_allclose(lesion(synthetic, kind).growth, 1.0, atol=0.1)


def test_merging_lesions_become_one(synthetic):
    first, second = synthetic.lesions[3:5]
    assert (second.merged_into, second.merged_at, first.merged_into) == (first.id, "T2", None)
    assert first.volume_ml[0] > second.volume_ml[0]
    assert second.growth[2] == 0.0
    assert first.volume_ml[2] > first.volume_ml[0] + second.volume_ml[0]
    assert [parts(synthetic, f"T{d}", first.id, second.id) for d in range(3)] == [2, 2, 1]


def test_a_splitting_lesion_becomes_two(synthetic):
    second = synthetic.lesions[-1]
    first = synthetic.lesions[second.split_from - 1]
    assert second.split_at == "T2"
    assert second.id == len(synthetic.lesions)
    np.testing.assert_array_equal(second.growth, (0.0, 0.0, 1.0))
    assert [parts(synthetic, f"T{d}", first.id, second.id) for d in range(3)] == [1, 1, 2]


def test_one_click_per_lesion_inside_it_on_its_first_scan(synthetic):
    for known, truth in zip(synthetic.study.lesions, synthetic.lesions, strict=True):
        (click,) = known.clicks
        assert click.scan == f"T{truth.first_date}"
        labels = synthetic.labels[click.scan]
        assert labels[synthetic.study.scan(click.scan).grid.nearest_voxel(click.point_mm)] == truth.id


def test_centres_are_carried_exactly(synthetic):
    for truth in synthetic.lesions:
        for date in (1, 2):
            carried = synthetic.map_points([truth.centres_mm[0]], "T0", f"T{date}")[0]
            np.testing.assert_allclose(carried, truth.centres_mm[date], atol=1e-3)


def test_masks_lie_around_the_centres(synthetic):
    for truth in synthetic.lesions:
        pair = truth.kind == "liver" or truth.id in (4, 5)  # two lobes: the centre is that of one
        for date, scan in enumerate(synthetic.study.scans):
            voxels = np.argwhere(synthetic.labels[scan.id] == truth.id)
            if len(voxels) and not pair:
                centroid = scan.grid.to_mm(voxels.mean(axis=0))
                assert np.linalg.norm(centroid - truth.centres_mm[date]) < 1.0


def test_map_points_goes_there_and_back(synthetic):
    points = np.random.default_rng(0).uniform(-70, 70, (300, 3))
    there = synthetic.map_points(points, "T1", "T2")
    np.testing.assert_allclose(synthetic.map_points(there, "T2", "T1"), points, atol=1e-3)
    moved = np.linalg.norm(there - points, axis=1)
    assert 3.0 < np.median(moved) < 30.0


def test_map_points_refuses_an_unknown_scan(synthetic):
    with pytest.raises(InputError, match="has no scan 'T9'"):
        synthetic.map_points(np.zeros((1, 3)), "T0", "T9")


def test_the_images_move_as_the_points_do(synthetic):
    """Edges of the anatomy: T1 sampled at mapped points looks like T0, unmapped it does not."""
    first, second = synthetic.study.scans[:2]
    points = np.random.default_rng(0).uniform(-40, 40, (4000, 3))
    here = ndimage.map_coordinates(first.image.astype(float), first.grid.to_index(points).T, order=1)

    def alike(p):
        there = ndimage.map_coordinates(second.image.astype(float), second.grid.to_index(p).T, order=1)
        return np.corrcoef(here, there)[0, 1]

    assert alike(synthetic.map_points(points, "T0", "T1")) > 0.95
    assert alike(points) < 0.85


def test_hu_are_plausible(synthetic):
    scan = synthetic.study.scans[0]
    by_kind = {"lung": (-150, 150), "liver": (20, 110), "node": (20, 140)}
    for truth in synthetic.lesions:
        if truth.growth[0] and truth.kind in by_kind:
            low, high = by_kind[truth.kind]
            core = ndimage.binary_erosion(synthetic.labels["T0"] == truth.id)
            if core.any() and not -800 < scan.image[core].mean() < -150:  # subsolid
                assert low < scan.image[core].mean() < high
    image = scan.image
    assert image.min() >= -1024
    assert image.max() <= 3071
    body = image > -300
    assert 0.2 < body.mean() < 0.8
    assert ((image > -920) & (image < -750)).mean() > 0.05  # lung
    assert ((image > -130) & (image < -70)).mean() > 0.05  # fat
    assert ((image > 20) & (image < 140)).mean() > 0.07  # soft tissue
    assert (image > 250).mean() > 0.002  # bone


def test_contrast_follows_the_phase(tiny):
    options = dataclasses.replace(tiny.options, lesions=(), phases=("native", "arterial"), noise_hu=0.0)
    made = make_study(options)
    left_ventricle = np.array([[16.0, -22.0, 38.0]]) * options.patient_size
    hu = []
    for scan in made.study.scans:
        point = made.map_points(left_ventricle, "T0", scan.id)[0]
        hu.append(scan.image[scan.grid.nearest_voxel(point)])
    assert 20 < hu[0] < 70
    assert 200 < hu[1] < 400


def test_noise_and_steps_are_as_asked(tiny):
    options = dataclasses.replace(tiny.options, dates=1, lesions=())
    quiet, loud = (
        make_study(dataclasses.replace(options, noise_hu=n)).study.scans[0].image.astype(float)
        for n in (0.0, 20.0)
    )
    middle = (slice(15, 30), slice(20, 36), slice(20, 36))
    assert np.std((loud - quiet)[middle]) == pytest.approx(20.0, rel=0.25)
    coarse = make_study(dataclasses.replace(options, hu_step=8)).study.scans[0].image
    assert (coarse % 8 == 0).all()


def test_progress_can_cancel(tiny):
    def stop(stage, fraction):
        raise Cancelled(stage)

    with pytest.raises(Cancelled, match="Body"):
        make_study(tiny.options, stop)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"seed": -1}, "seed must be 0 or more, not -1"),
        ({"dates": 0}, "dates must be 1 to 50, not 0"),
        ({"shape": (8, 64, 64)}, "shape must be three numbers, 16 to 1024"),
        ({"shape": (64, 64, 10**9)}, "shape must be three numbers, 16 to 1024"),
        ({"spacing_mm": (2.0, 2.0, 0.0)}, "spacing_mm must be three numbers, 0.3 to 10 mm"),
        ({"spacing_mm": (2.0, 2.0, float("nan"))}, "spacing_mm must be three numbers"),
        ({"patient_size": 3.0}, "patient_size must be 0.3 to 1.5"),
        ({"noise_hu": -1.0}, "noise_hu must be 0 to 200 HU"),
        ({"hu_step": 0}, "hu_step must be 1 to 50 HU"),
        ({"deformation_mm": 99.0}, "deformation_mm must be 0 to 15 mm"),
        ({"breathing_mm": 99.0}, "breathing_mm must be 0 to 40 mm"),
        ({"phases": ("late",)}, "phases must be one or more of native, arterial, portal"),
        ({"days": 0}, "days must be 1 to 3650"),
        ({"lesions": ("lung:grow",) * 200}, "lesions must be 127 or fewer"),
        ({"lesions": ("lung",)}, "'lung' does not describe a lesion; write HOST:COURSE"),
        ({"lesions": ("brain:grow",)}, "'brain:grow' does not describe a lesion"),
        ({"lesions": ("lung:grow:900",)}, "3 to 80 mm"),
        ({"lesions": ("lung:grow:nan",)}, "3 to 80 mm"),
    ],
)
def test_options_out_of_range_are_named(wrong, message):
    with pytest.raises(InputError, match=message):
        SynthOptions(**wrong)


def test_no_room_is_said(tiny):
    with pytest.raises(InputError, match="no room for a lesion 'lung:grow'"):
        make_study(dataclasses.replace(tiny.options, lesions=("lung:grow:80",)))
