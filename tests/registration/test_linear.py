"""Rigid and affine alignment."""

import numpy as np
import pytest

from napari_longiseg.core.errors import RegistrationError
from napari_longiseg.core.methods import REGISTRATIONS, create
from napari_longiseg.core.progress import silent
from napari_longiseg.core.scan import Scan

TURN = np.deg2rad(8.0)
ROTATION = np.array([[1, 0, 0], [0, np.cos(TURN), -np.sin(TURN)], [0, np.sin(TURN), np.cos(TURN)]])
SHIFT = np.array([8.0, -6.0, 5.0])
POINTS = np.array([[-25.0, 20.0, 30.0], [30.0, -25.0, -20.0], [5.0, 10.0, -40.0], [-45.0, -10.0, 5.0]])


@pytest.fixture(params=["rigid", "affine"])
def method(request):
    return create(REGISTRATIONS, request.param, device="cpu")


def turned(points_mm):
    return points_mm @ ROTATION.T + SHIFT


def stretched(points_mm):
    return points_mm * [1.06, 0.95, 1.0] + SHIFT


def test_recovers_a_turn_and_a_shift(method, patient, first):
    later = patient.scan("T1", (54, 85, 90), (4.0, 2.0, 2.1), (-110.0, -84.0, -95.0), turned)
    found = method.align(later, first, silent)
    assert np.linalg.norm(found(POINTS) - turned(POINTS), axis=1).max() < 1.0
    back = method.align(first, later, silent)
    assert np.allclose(back(found(POINTS)), POINTS, atol=0.1)


def test_affine_recovers_a_stretch_that_rigid_does_not(patient, first):
    later = patient.scan("T1", (54, 85, 90), (4.0, 2.0, 2.1), (-110.0, -84.0, -95.0), stretched)
    truth = stretched(POINTS)
    affine = create(REGISTRATIONS, "affine", device="cpu").align(later, first, silent)
    rigid = create(REGISTRATIONS, "rigid", device="cpu").align(later, first, silent)
    assert np.linalg.norm(affine(POINTS) - truth, axis=1).max() < 1.0
    assert np.linalg.norm(rigid(POINTS) - truth, axis=1).mean() > 1.0
    matrix = rigid.transform.matrix
    assert np.allclose(matrix @ matrix.T, np.eye(3), atol=1e-9)


def test_a_kept_map_is_the_same(method, first):
    found = method.align(first, Scan("copy", first.image, first.grid), silent)
    again = method.restore(found.state(), first, first)
    assert np.array_equal(again(POINTS), found(POINTS))
    assert np.allclose(found(POINTS), POINTS, atol=0.1)


def test_refuses_a_patient_of_another_size(method, first, make_patient):
    def larger(points_mm):
        return points_mm / [1.5, 1.4, 1.0]

    other = make_patient(7).scan("other", (100, 80, 72), (2.9, 2.8, 2.5), (-145.0, -112.0, -89.0), larger)
    with pytest.raises(RegistrationError, match="T0 and other do not show the same part"):
        method.align(first, other, silent)
