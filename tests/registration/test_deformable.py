import subprocess
import sys

import numpy as np
import pytest

from napari_longiseg.core.errors import Cancelled, InputError, RegistrationError
from napari_longiseg.core.geometry import Box, as_point
from napari_longiseg.core.methods import REGISTRATIONS, create
from napari_longiseg.core.progress import silent
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration.base import RefinablePointMap, map_near
from napari_longiseg.registration.deformable import DeformableRegistration

CPU = DeformableRegistration(device="cpu")


def errors_mm(point_map, points, truth):
    return np.linalg.norm(point_map(points) - truth, axis=1)


def test_is_declared_as_an_entry_point():
    assert create(REGISTRATIONS, "deformable", device="cpu") == CPU


def test_importing_it_does_not_import_torch():
    code = "import sys, napari_longiseg.registration.deformable; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_recovers_a_known_motion_between_different_grids(back_map, later_points, motion_of):
    truth = motion_of(later_points)
    assert np.linalg.norm(later_points - truth, axis=1).min() > 5
    assert errors_mm(back_map, later_points, truth).max() < 1.5


def test_refined_is_below_a_millimetre_and_no_worse(back_map, later_points, motion_of):
    truth = motion_of(later_points)
    whole = errors_mm(back_map, later_points, truth)
    near = [map_near(back_map, as_point(p)) for p in later_points]
    refined = np.array([errors_mm(m, [p], [t])[0] for m, p, t in zip(near, later_points, truth, strict=True)])
    assert refined.max() < 1.0
    assert refined.mean() <= whole.mean() + 0.05


def test_the_other_direction_agrees(first, later, later_points, motion_of):
    there = CPU.align(first, later, silent)
    assert errors_mm(there, motion_of(later_points), later_points).max() < 1.5


def test_exchanging_the_scans_gives_the_inverse(first, later, back_map, later_points):
    there = CPU.align(first, later, silent)
    assert errors_mm(there, back_map(later_points), later_points).max() < 0.1
    assert np.allclose(
        back_map.transform.inverse(there.transform.inverse(later_points)), later_points, atol=0.1
    )


def test_never_folds(back_map, later):
    low, high = later.grid.bounds_mm()
    axes = [np.arange(a, b, 6.0) for a, b in zip(low, high, strict=True)]
    nodes = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    slopes = [(back_map(nodes + d) - back_map(nodes - d)) / 0.2 for d in 0.1 * np.eye(3)]
    assert np.linalg.det(np.stack(slopes, axis=-1)).min() > 0


def test_a_kept_map_is_the_same_and_can_be_refined(back_map, first, later, later_points):
    again = CPU.restore(back_map.state(), later, first)
    assert np.array_equal(again(later_points), back_map(later_points))
    assert np.array_equal(again.uncertainty_mm(later_points), back_map.uncertainty_mm(later_points))
    place = as_point(later_points[0])
    assert np.array_equal(again.refined(place)([place]), back_map.refined(place)([place]))


def test_identical_scans_map_to_themselves(first, later_points):
    same = CPU.align(first, Scan("copy", first.image, first.grid), silent)
    assert errors_mm(same, later_points, later_points).max() < 0.1
    assert errors_mm(same.refined(as_point(later_points[0])), later_points[:1], later_points[:1]).max() < 0.2


def test_finds_the_common_part_of_other_fields_of_view_and_coordinates(first, patient):
    part = patient.scan("part", (30, 64, 72), (3.0, 2.5, 2.5), (-98.0, -79.0, -89.0))
    moved = Scan(
        "part", part.image, part.grid.__class__(part.grid.shape, part.grid.spacing_mm, (300.0, -79.0, 11.0))
    )
    points = np.array([[-60.0, 10.0, 20.0], [-50.0, -20.0, -10.0]])
    there = points + np.array([398.0, 0.0, 100.0])
    assert errors_mm(CPU.align(first, moved, silent), points, there).max() < 1.0
    assert errors_mm(CPU.align(moved, first, silent), there, points).max() < 1.0


def test_is_continuous_below_a_voxel(back_map):
    line = np.array([10.0, 5.0, -8.0]) + np.linspace(0, 2, 21)[:, None] * [0.0, 1.0, 0.0]
    steps = np.diff(back_map(line), axis=0)
    assert np.allclose(np.linalg.norm(steps, axis=1), 0.1, atol=0.03)


def test_goes_on_outside_the_source_scan(back_map, later):
    _, high = later.grid.bounds_mm()
    assert np.linalg.norm(np.diff(back_map([high, high + 10.0]), axis=0)) < 25
    assert np.isfinite(back_map([high + 500.0])).all()


def test_refinement_fades_out_away_from_its_place(back_map):
    far = np.array([[60.0, 0.0, 0.0]])
    assert np.allclose(back_map.refined((-25.0, 20.0, 30.0))(far), back_map(far), atol=1e-6)


def test_a_refined_map_can_be_kept_and_is_the_same(back_map, first, later):
    assert isinstance(back_map, RefinablePointMap)
    place = (-25.0, 20.0, 30.0)
    near = back_map.refined(place)
    again = CPU.restore(near.state(), later, first)
    assert np.array_equal(again([place]), near([place]))
    assert np.array_equal(again.uncertainty_mm([place]), near.uncertainty_mm([place]))


def test_a_refined_map_is_surer_at_its_place_and_no_surer_far_away(back_map):
    place, far = (-25.0, 20.0, 30.0), (40.0, -20.0, -20.0)
    near = back_map.refined(place)
    assert near.uncertainty_mm([place]) < back_map.uncertainty_mm([place])
    assert np.allclose(near.uncertainty_mm([far]), back_map.uncertainty_mm([far]))


def test_refining_where_the_target_ends_keeps_the_whole_map(back_map):
    far = (900.0, 0.0, 0.0)
    near = back_map.refined(far)
    assert np.array_equal(near([far]), back_map([far]))
    assert np.isnan(near.uncertainty_mm([far])).all()


def test_uncertainty_is_small_inside_and_unknown_outside(back_map, later_points):
    inside = back_map.uncertainty_mm(later_points)
    assert ((inside > 0) & (inside < 5)).all()
    assert np.isnan(back_map.uncertainty_mm([[900.0, 0.0, 0.0]])).all()


def test_is_deterministic(back_map, first, later, later_points):
    again = CPU.align(later, first, silent)
    assert np.array_equal(again(later_points), back_map(later_points))


def test_refuses_another_patient(first, make_patient):
    other = make_patient(7).scan("other", (76, 64, 72), (2.6, 2.5, 2.5), (-98.0, -79.0, -89.0))
    with pytest.raises(RegistrationError, match="do not show the same part"):
        CPU.align(first, other, silent)


def test_refuses_scans_without_structure(first):
    empty = Scan("air", np.full(first.image.shape, -1000, np.int16), first.grid)
    with pytest.raises(RegistrationError, match="T0 and air have no common part"):
        CPU.align(first, empty, silent)


def test_refuses_a_scan_that_is_too_thin(first):
    box = Box((0, 0, 0), (5, *first.grid.shape[1:]))
    thin = Scan("thin", first.image[box.slices], first.grid.crop(box))
    with pytest.raises(RegistrationError, match="Scan thin is too small to align"):
        CPU.align(first, thin, silent)


def test_a_missing_device_is_our_error(first, later):
    with pytest.raises(RegistrationError, match="no device called 'no such device'; choose auto, cpu"):
        DeformableRegistration(device="no such device").align(first, later, silent)
    with pytest.raises(RegistrationError, match=r"choose (auto or cpu|another device)"):
        DeformableRegistration(device="cuda:99").align(first, later, silent)


@pytest.mark.parametrize("fail_at", [0.0, 0.15, 0.3, 0.4, 0.7])
def test_cancelling_through_progress_passes(first, later, fail_at):
    def progress(stage, fraction):
        if fraction >= fail_at:
            raise Cancelled("stop")

    with pytest.raises(Cancelled, match="stop"):
        CPU.align(first, later, progress)


def test_progress_grows_to_one(first, later):
    seen = []
    DeformableRegistration(device="cpu", iterations=2).align(first, first, lambda _, f: seen.append(f))
    assert seen == sorted(seen)
    assert seen[0] == 0.0
    assert seen[-1] == 1.0
    assert len(seen) > 50


def test_reads_read_only_and_float_scans(first, later_points):
    image = first.image.astype(np.float32)
    image.flags.writeable = False
    same = CPU.align(first, Scan("float", image, first.grid), silent)
    assert errors_mm(same, later_points, later_points).max() < 0.1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"iterations": 0}, "at least one iteration"),
        ({"refine_iterations": -1}, "at least one iteration"),
        ({"refine_spacing_mm": 0.1}, "refinement's spacing"),
        ({"refine_radius_mm": 4.0}, "refinement's spacing"),
    ],
)
def test_options_out_of_range(options, message):
    with pytest.raises(InputError, match=message):
        DeformableRegistration(**options)
