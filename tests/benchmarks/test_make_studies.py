"""Made studies show what their truth says."""

import json

import numpy as np
import pytest

from held_out.lesions import Lobed, plan
from held_out.study import make, write
from inserted import Background, Shape, coverage
from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.metrics import centre_of_mass
from napari_longiseg.core.scan import Scan
from napari_longiseg.io.manifest import load_study
from napari_longiseg.registration.transforms import Affine

GRID = Grid((44, 46, 74), (3.0, 2.5, 2.5), (-65.0, -57.0, -92.0))
OWN_HU = 300


@pytest.fixture(scope="module")
def patient():
    """A block of soft tissue with a lung in one half and a dense lesion of its own in the other."""
    image = np.full(GRID.shape, -1000, np.int16)
    image[:, 1:-1, 1:-1] = 50
    image[2:-2, 6:-6, 6:38] = -850
    own = np.zeros(GRID.shape, dtype=bool)
    own[36:40, 34:39, 62:67] = True
    image[own] = OWN_HU
    noise = np.random.default_rng(0).normal(0, 8, GRID.shape)
    return Scan("T0", (image + noise).astype(np.int16), GRID), own


@pytest.fixture(scope="module")
def made(patient):
    return make("block", *patient, seed=7, count=2)


@pytest.fixture(scope="module")
def other(patient):
    return make("block", *patient, seed=8, count=2)


def volume_ml(made, scan, label):
    return (made.labels[scan.id] == label).sum() * scan.grid.voxel_ml


def test_a_study_has_three_dates_of_its_lesions(made):
    assert [scan.id for scan in made.study.scans] == ["T0", "T1", "T2"]
    dates = [scan.date for scan in made.study.scans]
    assert dates == sorted(set(dates))
    assert len({scan.grid for scan in made.study.scans}) == 3
    assert [entry["kind"] for entry in made.truth] == ["lung", "soft", "real"]


def test_the_same_seed_makes_the_same_study(patient, made, other):
    again = make("block", *patient, seed=7, count=2)
    for scan, same in zip(made.study.scans, again.study.scans, strict=True):
        np.testing.assert_array_equal(scan.image, same.image)
        np.testing.assert_array_equal(made.labels[scan.id], again.labels[scan.id])
    assert made.study.lesions == again.study.lesions
    assert made.study.lesions != other.study.lesions


def test_clicks_lie_in_their_lesions(made):
    first = made.study.scans[0]
    for lesion in made.study.lesions:
        (click,) = lesion.clicks
        assert made.labels[first.id][first.grid.nearest_voxel(click.point_mm)] == lesion.id


def test_lesions_grow_as_the_truth_says(made, other):
    seen = set()
    for study in (made, other):
        for entry in study.truth:
            volumes = [volume_ml(study, scan, entry["id"]) for scan in study.study.scans]
            for volume, growth in zip(volumes, entry["growth"], strict=True):
                assert (volume == 0) == (growth == 0)
                if volume > 0.5:
                    assert volume / volumes[0] == pytest.approx(growth, rel=0.45)
            seen |= set(entry["growth"])
    assert len(seen) > 2


def test_what_has_vanished_stays_away(patient):
    scan, _ = patient
    back = Background("block", scan.image, GRID, scan.image > -900)
    growths = [plan(np.random.default_rng(s), back, 1, 12, 3.0)[0].growth for s in range(4)]
    assert any(0 in growth for growth in growths)
    for growth in growths:
        gone = [factor == 0 for factor in growth]
        assert gone == sorted(gone)


def test_what_is_outlined_looks_like_a_lesion_on_every_scan(made):
    for scan in made.study.scans:
        labels = made.labels[scan.id]
        for entry in made.truth:
            inside = scan.image[labels == entry["id"]]
            if not len(inside):
                continue
            if entry["kind"] == "soft":
                assert abs(np.median(inside) - 50) > 20
            else:
                assert np.median(inside) > (-500 if entry["kind"] == "lung" else 0.75 * OWN_HU)
        dense = scan.image > 0.75 * OWN_HU
        assert (labels[dense] == 3).mean() > 0.9  # the real lesion moved with the patient


def test_a_scan_without_room_is_refused(patient):
    scan, _ = patient
    with pytest.raises(InputError, match="block has no place for 1 lesions; ask for fewer"):
        make("block", Scan("T0", np.full_like(scan.image, -1000), GRID), None, seed=1)


def test_a_lesion_of_lobes_is_their_union_and_keeps_within_its_reach():
    rng = np.random.default_rng(3)
    for _ in range(10):
        lobed = Lobed.random(rng, 8.0)
        points = rng.uniform(-30, 30, (5000, 3)).astype(np.float32)
        inside = lobed.level(points) > 0
        parts = [lobe.level(points - o) > 0 for lobe, o in zip(lobed.lobes, lobed.offsets_mm, strict=True)]
        np.testing.assert_array_equal(inside, np.any(parts, axis=0))
        assert np.linalg.norm(points[inside], axis=1).max(initial=0) <= lobed.reach_mm


def test_a_moved_lesion_lies_where_its_place_has_gone():
    came = Affine.about([4.0, -6.0, 10.0], [0.0, 0.0, 0.0], np.diag([1.1, 1.0, 1.0]))
    shape = Shape.random(np.random.default_rng(0), 14.0)
    still = coverage(shape, GRID, (0.0, 0.0, 0.0), 1.0, 0.5)
    moved = coverage(shape, GRID, (0.0, 0.0, 0.0), 1.0, 0.5, came)
    assert moved.sum() == pytest.approx(still.sum() / 1.1, rel=0.03)
    centres = [centre_of_mass(share >= 0.5, GRID) for share in (still, moved)]
    np.testing.assert_allclose(came([centres[1]])[0], centres[0], atol=0.5)


def test_a_written_study_is_read_again(made, tmp_path):
    write(made, tmp_path / "block")
    study = load_study(tmp_path / "block")
    assert study.patient == "block"
    assert [lesion.id for lesion in study.lesions] == [1, 2, 3]
    for scan, written in zip(made.study.scans, study.scans, strict=True):
        np.testing.assert_array_equal(scan.image, written.image)
        assert scan.date == written.date
    assert json.loads((tmp_path / "block" / "truth.json").read_text())["lesions"] == made.truth
    assert (tmp_path / "block" / "gt_T2.nii.gz").exists()
