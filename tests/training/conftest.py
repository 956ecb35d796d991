import json

import numpy as np
import pytest

from napari_longiseg.io.images import read_image
from napari_longiseg.io.points import from_xyz
from napari_longiseg.training.synth import SynthOptions, make_study, write_study

SMALL = SynthOptions(
    seed=4,
    shape=(84, 92, 92),
    spacing_mm=(2.0, 2.0, 2.0),
    patient_size=0.5,
    lesions=(
        "lung:grow:9", "lung:vanish:9", "lung:appear:9", "lung:merge:11",
        "liver:shrink:12", "liver:split:15", "node:stable:8", "bone:stable:7",
    ),
)  # fmt: skip
TINY = SynthOptions(
    seed=1,
    dates=2,
    shape=(48, 56, 56),
    spacing_mm=(3.0, 3.0, 3.0),
    patient_size=0.4,
    lesions=("lung:grow:14",),
)


@pytest.fixture(scope="session")
def synthetic():
    """Three dates of a small patient with every host and nearly every course."""
    return make_study(SMALL)


@pytest.fixture(scope="session")
def tiny():
    """Two dates, one lesion, few voxels."""
    return make_study(TINY)


@pytest.fixture(scope="session")
def folder(synthetic, tmp_path_factory):
    """The small study as files."""
    return write_study(synthetic, tmp_path_factory.mktemp("studies") / "small")


@pytest.fixture(scope="session")
def check_study():
    """Asserts that a folder's truth agrees with its masks; returns both records."""
    return _check_study


def _check_study(folder):
    """A study folder whose truth agrees with its masks."""
    study, truth = (json.loads((folder / name).read_text()) for name in ("study.json", "truth.json"))
    assert study["schema"] == "longiseg-study/1"
    assert truth["schema"] == "longiseg-truth/1"
    ids = [lesion["id"] for lesion in truth["lesions"]]
    assert ids == [lesion["id"] for lesion in study["lesions"]] == list(range(1, len(ids) + 1))
    volumes = {i: [] for i in ids}
    grids, masks = {}, {}
    for scan in study["scans"]:
        image, grid = read_image(folder / scan["image"])
        labels, same = read_image(folder / f"gt_{scan['image']}")
        assert image.dtype == np.int16
        assert labels.dtype == np.uint8
        assert grid == same
        grids[scan["id"]], masks[scan["id"]] = grid, labels
        for i in ids:
            volumes[i].append((labels == i).sum() * grid.voxel_ml)
    for lesion in truth["lesions"]:
        np.testing.assert_allclose(lesion["volume_ml"], volumes[lesion["id"]], rtol=1e-3, atol=1e-5)
        reference = next(v for v in volumes[lesion["id"]] if v > 0)
        np.testing.assert_allclose(lesion["growth"], np.array(volumes[lesion["id"]]) / reference, rtol=0.01)
    for lesion in study["lesions"]:
        (click,) = lesion["clicks"]
        voxel = grids[click["scan"]].nearest_voxel(from_xyz(click["point"]))
        assert masks[click["scan"]][voxel] == lesion["id"]
    return study, truth
