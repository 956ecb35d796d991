"""Affine by mutual information and demons, on scans that moved in a known way."""

from __future__ import annotations

import signal
import subprocess
import sys
from _thread import interrupt_main
from threading import Timer

import numpy as np
import pytest

from napari_longiseg.core.errors import Cancelled, InputError, RegistrationError
from napari_longiseg.core.geometry import Box
from napari_longiseg.core.methods import REGISTRATIONS, create
from napari_longiseg.core.progress import silent
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration._itk.run import itk_errors, run
from napari_longiseg.registration.base import RestoringRegistration
from napari_longiseg.registration.demons import DemonsRegistration

sitk = pytest.importorskip("SimpleITK")

DEMONS = DemonsRegistration(spacing_mm=4.0)
QUICK = DemonsRegistration(spacing_mm=6.0, iterations=10)


@pytest.fixture(scope="module")
def found(later, first):
    return DEMONS.align(later, first, silent)


def errors_mm(point_map, points, truth):
    return np.linalg.norm(point_map(points) - truth, axis=1)


def test_is_declared_as_an_entry_point():
    assert create(REGISTRATIONS, "demons", spacing_mm=4.0) == DEMONS
    assert isinstance(DEMONS, RestoringRegistration)


def test_importing_it_imports_neither_torch_nor_simple_itk():
    code = (
        "import sys, napari_longiseg.registration.demons;"
        "sys.exit('torch' in sys.modules or 'SimpleITK' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_recovers_a_known_motion_between_different_grids(found, later_points, motion_of):
    truth = motion_of(later_points)
    assert np.linalg.norm(later_points - truth, axis=1).min() > 5
    assert errors_mm(found, later_points, truth).max() < 1.5


def test_the_other_direction_agrees(first, later, later_points, motion_of):
    there = DEMONS.align(first, later, silent)
    assert errors_mm(there, motion_of(later_points), later_points).max() < 1.5


def test_the_way_back(found, later_points):
    assert errors_mm(found.transform.inverse, found(later_points), later_points).max() < 0.01


def test_identical_scans_map_to_themselves(first, later_points):
    same = QUICK.align(first, Scan("copy", first.image, first.grid), silent)
    assert errors_mm(same, later_points, later_points).max() < 0.1


def test_finds_the_common_part_of_other_fields_of_view_and_coordinates(first, patient):
    part = patient.scan("part", (30, 64, 72), (3.0, 2.5, 2.5), (-98.0, -79.0, -89.0))
    grid = part.grid.__class__(part.grid.shape, part.grid.spacing_mm, (300.0, -79.0, 11.0))
    moved = Scan("part", part.image, grid)
    points = np.array([[-60.0, 10.0, 20.0], [-50.0, -20.0, -10.0]])
    there = points + np.array([398.0, 0.0, 100.0])
    assert errors_mm(DEMONS.align(first, moved, silent), points, there).max() < 1.0
    assert errors_mm(DEMONS.align(moved, first, silent), there, points).max() < 1.0


def test_another_contrast_phase(later, first, later_points, motion_of):
    """Soft tissue 60 HU brighter on one of them."""
    brighter = Scan(
        "T0", np.where(first.image > -200, first.image + 60, first.image).astype(np.int16), first.grid
    )
    found = DEMONS.align(later, brighter, silent)
    assert errors_mm(found, later_points, motion_of(later_points)).max() < 1.5


def test_says_how_well_the_scans_agree(found, later_points):
    assert "orrelation 0.9" in found.report.summary
    assert ((found.uncertainty_mm(later_points) > 0) & (found.uncertainty_mm(later_points) < 5)).all()
    assert np.isnan(found.uncertainty_mm([[900.0, 0.0, 0.0]])).all()


def test_is_kept_and_restored(found, first, later, later_points):
    again = DEMONS.restore(found.state(), later, first)
    np.testing.assert_array_equal(again(later_points), found(later_points))


def test_threads_of_itk_stay_as_they_are(first):
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    DemonsRegistration(iterations=1).align(first, first, silent)
    assert sitk.ProcessObject.GetGlobalDefaultNumberOfThreads() == before


def test_refuses_another_patient(first, make_patient):
    other = make_patient(7).scan("other", (76, 64, 72), (2.6, 2.5, 2.5), (-98.0, -79.0, -89.0))
    with pytest.raises(RegistrationError, match="do not show the same part"):
        QUICK.align(first, other, silent)


def test_refuses_scans_without_structure(first):
    empty = Scan("air", np.full(first.image.shape, -1000, np.int16), first.grid)
    with pytest.raises(RegistrationError, match="no common part"):
        QUICK.align(first, empty, silent)


def test_refuses_a_scan_that_is_too_thin(first):
    box = Box((0, 0, 0), (5, *first.grid.shape[1:]))
    thin = Scan("thin", first.image[box.slices], first.grid.crop(box))
    with pytest.raises(RegistrationError, match="Scan thin is too small to align"):
        QUICK.align(first, thin, silent)


@pytest.mark.parametrize("fail_at", [0.0, 0.05, 0.15, 0.3, 0.45, 0.8, 0.97])
def test_cancelling_through_progress_passes(first, later, fail_at):
    def progress(stage, fraction):
        if fraction >= fail_at:
            raise Cancelled("stop")

    with pytest.raises(Cancelled, match="stop"):
        QUICK.align(first, later, progress)


def test_ctrl_c_is_not_lost_in_itk():
    """Python interrupts the main thread wherever that is, so it must not be in a function that ITK calls."""
    demons = sitk.FastSymmetricForcesDemonsRegistrationFilter()
    demons.SetNumberOfIterations(100_000)
    demons.SetMaximumRMSError(0.0)
    noise = np.random.default_rng(0).standard_normal((2, 32, 32, 32))
    fixed, moving = (sitk.GetImageFromArray(image) for image in noise)
    timer = Timer(0.3, interrupt_main)
    # A shell lets what it starts in the background ignore Ctrl-C; this test must not depend on that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt, match=r"^$"), itk_errors():
            run(demons, 100_000, lambda _: None, fixed, moving)
        timer.join()
    finally:
        signal.signal(signal.SIGINT, before)
    assert 0 < demons.GetElapsedIterations() < 100_000


def test_progress_grows_to_one(first):
    seen = []
    DemonsRegistration(iterations=2).align(first, first, lambda _, f: seen.append(f))
    assert seen == sorted(seen)
    assert seen[0] == 0.0
    assert seen[-1] == 1.0


def test_an_error_of_itk_is_ours(first, later, monkeypatch):
    def fail(self, *images):
        raise RuntimeError("Exception thrown\nITK ERROR: filter: all is lost.")

    monkeypatch.setattr(sitk.ImageRegistrationMethod, "Execute", fail)
    with pytest.raises(RegistrationError, match=r"could not be aligned \(ITK says: filter: all is lost\)"):
        QUICK.align(first, later, silent)


@pytest.mark.parametrize(
    "options", [{"spacing_mm": 0.5}, {"spacing_mm": 13.0}, {"iterations": 0}, {"smoothing": 0.0}]
)
def test_options_out_of_range(options):
    with pytest.raises(InputError, match="Demons need voxels of 1 to 12 mm"):
        DemonsRegistration(**options)
