import numpy as np
import pytest

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.landmark import Landmark, LandmarkPair, pairs_between
from napari_longiseg.core.scan import Scan, Study

CARINA = Landmark("T0", "carina", (1.0, 2.0, 3.0))


def study(*landmarks):
    scans = (Scan(name, np.zeros((4, 4, 4), np.int16), Grid((4, 4, 4), (1.0, 1.0, 1.0))) for name in "ab")
    return Study("P", tuple(scans), landmarks=landmarks)


def test_pairs_are_the_names_on_both_scans():
    landmarks = (
        Landmark("T1", "apex", (9.0, 9.0, 9.0)),
        CARINA,
        Landmark("T0", "apex", (7.0, 7.0, 7.0)),
        Landmark("T0", "hilum", (0.0, 0.0, 0.0)),
        Landmark("T1", "carina", (4.0, 5.0, 6.0)),
        Landmark("T2", "hilum", (0.0, 0.0, 0.0)),
    )
    carina, apex = pairs_between(landmarks, "T0", "T1")
    assert carina == LandmarkPair("carina", (1.0, 2.0, 3.0), (4.0, 5.0, 6.0))
    assert apex.name == "apex"
    assert pairs_between(iter(landmarks), "T1", "T2") == ()


def test_a_landmark_has_a_name_a_scan_and_a_place():
    for scan, name in (("", "carina"), ("T0", "")):
        with pytest.raises(InputError, match="needs the id of a scan and a name"):
            Landmark(scan, name, (0.0, 0.0, 0.0))
    with pytest.raises(InputError, match="'carina' on T0 must be finite"):
        Landmark("T0", "carina", (0.0, float("nan"), 0.0))


def test_a_study_knows_its_landmarks():
    one = Landmark("a", "carina", (1.0, 2.0, 900.0))  # outside the scan
    assert study(one).with_lesions(()).landmarks == (one,)
    with pytest.raises(InputError, match="'carina' is on scan 'T0', but the scans are a, b"):
        study(CARINA)
    with pytest.raises(InputError, match="more than one landmark 'carina' on scan a"):
        study(one, Landmark("a", "carina", (0.0, 0.0, 0.0)))
