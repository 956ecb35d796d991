"""Greedy on scans that moved in a known way, its conventions, and the process it runs in."""

from __future__ import annotations

import time

import numpy as np
import pytest

from napari_longiseg.core.errors import Cancelled, InputError, MissingMethodError, RegistrationError
from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.methods import REGISTRATIONS, create
from napari_longiseg.core.progress import silent
from napari_longiseg.core.scan import Scan
from napari_longiseg.io.images import read_image, write_image
from napari_longiseg.io.transforms import LinearStep, read_field, write_matrix
from napari_longiseg.registration import greedy as module
from napari_longiseg.registration._itk.greedy import run_greedy
from napari_longiseg.registration.base import RestoringRegistration
from napari_longiseg.registration.greedy import GreedyRegistration
from napari_longiseg.registration.transforms import Affine, Chain, Displacement

sitk = pytest.importorskip("SimpleITK")
pytest.importorskip("picsl_greedy")

GREEDY = GreedyRegistration()
QUICK = GreedyRegistration(spacing_mm=8.0, iterations="5x2")


@pytest.fixture(scope="module")
def found(later, first):
    return GREEDY.align(later, first, silent)


def errors_mm(point_map, points, truth):
    return np.linalg.norm(point_map(points) - truth, axis=1)


def test_is_declared_as_an_entry_point():
    assert create(REGISTRATIONS, "greedy") == GREEDY
    assert isinstance(GREEDY, RestoringRegistration)


def test_recovers_a_known_motion_between_different_grids(found, later_points, motion_of):
    truth = motion_of(later_points)
    assert np.linalg.norm(later_points - truth, axis=1).min() > 5
    assert errors_mm(found, later_points, truth).max() < 1.5


def test_the_way_back(found, later_points):
    assert errors_mm(found.transform.inverse, found(later_points), later_points).max() < 0.01


def test_finds_the_common_part_of_other_fields_of_view_and_coordinates(first, patient):
    part = patient.scan("part", (30, 64, 72), (3.0, 2.5, 2.5), (-98.0, -79.0, -89.0))
    grid = part.grid.__class__(part.grid.shape, part.grid.spacing_mm, (300.0, -79.0, 11.0))
    moved = Scan("part", part.image, grid)
    points = np.array([[-60.0, 10.0, 20.0], [-50.0, -20.0, -10.0]])
    there = points + np.array([398.0, 0.0, 100.0])
    assert errors_mm(GREEDY.align(first, moved, silent), points, there).max() < 1.0
    assert errors_mm(GREEDY.align(moved, first, silent), there, points).max() < 1.0


def test_says_how_well_the_scans_agree(found, later_points):
    assert "orrelation 0.9" in found.report.summary
    assert ((found.uncertainty_mm(later_points) > 0) & (found.uncertainty_mm(later_points) < 5)).all()


def test_is_kept_and_restored(found, first, later, later_points):
    again = GREEDY.restore(found.state(), later, first)
    np.testing.assert_array_equal(again(later_points), found(later_points))


def test_conventions(tmp_path):
    """Its matrices are RAS, its fields LPS, and both map points of the fixed image to the moving one.

    Greedy itself brings three images, whose intensities are the coordinates, through known transforms.
    """
    fixed = sitk.Image((12, 11, 10), sitk.sitkFloat64)
    fixed.SetSpacing((4.0, 5.0, 6.0))
    fixed.SetOrigin((-20.0, -25.0, -30.0))
    fixed.SetDirection(sitk.Euler3DTransform((0, 0, 0), 0.3, 0.2, 0.1).GetMatrix())
    values = np.random.default_rng(0).normal(0, 2, (10, 11, 12, 3))
    field = sitk.GetImageFromArray(values, isVector=True)
    field.CopyInformation(fixed)
    sitk.WriteImage(field, str(tmp_path / "warp.nrrd"))
    linear = Affine(np.eye(3) + np.random.default_rng(1).normal(0, 0.1, (3, 3)), np.array([7.0, -4.0, 5.0]))
    write_matrix(tmp_path / "affine.mat", LinearStep(linear.matrix, linear.offset))
    space = Grid((41, 41, 41), (5.0, 5.0, 5.0), (-100.0, -100.0, -100.0))
    coordinates = space.to_mm(np.moveaxis(np.indices(space.shape), 0, -1))
    sitk.WriteImage(fixed, str(tmp_path / "fixed.nrrd"))
    for axis in range(3):
        write_image(tmp_path / f"{axis}.nrrd", coordinates[..., axis], space)
    pairs = " ".join(f"-rm {axis}.nrrd goes{axis}.nrrd" for axis in range(3))
    run_greedy(f"-d 3 -rf fixed.nrrd {pairs} -rt double -r warp.nrrd affine.mat", tmp_path, lambda _: None)
    found, places = zip(*(read_image(tmp_path / f"goes{axis}.nrrd") for axis in range(3)), strict=True)
    step = read_field(tmp_path / "warp.nrrd")
    ours = Chain((Displacement(step.vectors, step.lattice), linear))
    nodes = places[0].to_mm(np.moveaxis(np.indices(places[0].shape), 0, -1).reshape(-1, 3))
    np.testing.assert_allclose(np.stack(found, axis=-1).reshape(-1, 3), ours(nodes), atol=1e-3)


def test_prints_nothing(first, capfd):
    QUICK.align(first, first, silent)
    out, err = capfd.readouterr()
    assert not out + err


def test_refuses_another_patient(first, make_patient):
    other = make_patient(7).scan("other", (76, 64, 72), (2.6, 2.5, 2.5), (-98.0, -79.0, -89.0))
    with pytest.raises(RegistrationError, match="do not show the same part"):
        QUICK.align(first, other, silent)


def test_refuses_scans_without_structure(first):
    empty = Scan("air", np.full(first.image.shape, -1000, np.int16), first.grid)
    with pytest.raises(RegistrationError, match="no common part"):
        QUICK.align(first, empty, silent)


@pytest.mark.parametrize("fail_at", [0.0, 0.05, 0.15, 0.2, 0.5, 0.97])
def test_cancelling_through_progress_passes(first, later, fail_at):
    def progress(stage, fraction):
        if fraction >= fail_at:
            raise Cancelled("stop")

    with pytest.raises(Cancelled, match="stop"):
        QUICK.align(first, later, progress)


def test_cancelling_does_not_wait_for_the_library(tmp_path, first):
    sitk.WriteImage(sitk.GetImageFromArray(first.image.astype(np.float32)), str(tmp_path / "a.nrrd"))
    started = time.perf_counter()

    def tick(_):
        if time.perf_counter() > started + 1.0:
            raise Cancelled("stop")

    with pytest.raises(Cancelled, match="stop"):
        run_greedy("-d 3 -i a.nrrd a.nrrd -n 10000 -m NCC 4x4x4 -o w.nrrd", tmp_path, tick)
    assert time.perf_counter() < started + 5.0


def test_a_failure_is_a_sentence(tmp_path):
    with pytest.raises(RegistrationError, match=r"greedy failed to align the scans \(.*none\.nrrd"):
        run_greedy("-d 3 -i none.nrrd none.nrrd -o w.nrrd", tmp_path, lambda _: None)


def test_no_python_to_start(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.executable", str(tmp_path / "none"))
    with pytest.raises(RegistrationError, match="greedy cannot be started"):
        run_greedy("-d 3", tmp_path, lambda _: None)


def test_a_missing_package(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(MissingMethodError, match=r"pip install 'napari-longiseg\[greedy\]'"):
        GreedyRegistration()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"spacing_mm": 0.5}, "voxels of 1 to 12 mm"),
        ({"spacing_mm": 13.0}, "voxels of 1 to 12 mm"),
        ({"smoothing": 0.0}, "voxels of 1 to 12 mm"),
        ({"radius": 0}, "voxels of 1 to 12 mm"),
        ({"iterations": "many"}, "look like 60x40x15"),
        ({"iterations": "5x"}, "look like 60x40x15"),
        ({"iterations": "9x9x9x9x9"}, "look like 60x40x15"),
    ],
)
def test_options_out_of_range(options, message):
    with pytest.raises(InputError, match=message):
        GreedyRegistration(**options)
