"""Random cases for training."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from napari_longiseg.core.geometry import Grid
from napari_longiseg.io.images import write_image
from napari_longiseg.models.inputs import Inputs, Window
from napari_longiseg.training.cases import Case
from napari_longiseg.training.randomised.options import RANGES, RandomisedOptions

INPUTS = Inputs(size=(24, 32, 32), windows=(Window(low_hu=-1000, high_hu=400),), click_sigma=2.0)
SMALL = {"diameter_voxels": (4.0, 14.0)}


def cases(kind: str, count: int, seed: int = 0, **options: object) -> list[Case]:
    from napari_longiseg.training.randomised.cases import RandomCases

    stream = RandomCases(kind, INPUTS, seed, RandomisedOptions(**{**SMALL, **options}))
    return list(islice(stream, count))


def middle_of(mask: np.ndarray) -> np.ndarray:
    return np.argwhere(mask).mean(axis=0)


@pytest.mark.parametrize("kind", ["uls", "longinet"])
def test_equal_seeds_give_equal_cases_and_others_others(kind: str) -> None:
    (one,), (same,), (other,) = (cases(kind, 1, seed) for seed in (3, 3, 4))
    assert all((one[name] == same[name]).all() for name in one)
    assert not (one["image"] == other["image"]).all()


@pytest.mark.parametrize("kind", ["uls", "longinet"])
def test_a_case_has_the_shape_of_the_voi_and_plausible_hu(kind: str) -> None:
    for case in cases(kind, 6):
        images = [case["image"]] + ([case["baseline_image"]] if kind == "longinet" else [])
        for image in images:
            assert image.shape == INPUTS.size
            assert np.isfinite(image.numpy()).all()
            assert image.min() >= -1024
            assert image.max() <= 3000
        assert set(np.unique(case["target"])) <= {0, 1}
        assert -1100 < float(case["reference_hu"]) < 1500


def test_a_reader_clicks_on_the_lesion() -> None:
    on = [
        bool(case["target"][np.unravel_index(int(case["clicks"].argmax()), INPUTS.size)])
        for case in cases("uls", 30, nothing=0.0, extra_clicks=0.0)
    ]
    assert np.mean(on) > 0.8  # half a voxel beside a small lesion may round to the other side


def test_a_reader_can_click_on_a_lesion_of_two_voxels() -> None:
    import torch

    from napari_longiseg.training.randomised.cases import _inner
    from napari_longiseg.training.randomised.dice import Dice

    weight = torch.zeros(5, 5, 5)
    weight[2, 2, 2:4] = 1.0  # both as far from their middle
    clicked = [tuple(_inner(Dice(seed), weight, torch.zeros(3)).tolist()) for seed in range(20)]
    assert set(clicked) == {(2.0, 2.0, 2.0), (2.0, 2.0, 3.0)}


def test_now_and_then_there_is_nothing_at_the_click() -> None:
    assert all(not case["target"].any() for case in cases("uls", 5, nothing=1.0))
    assert all(case["target"].any() for case in cases("uls", 5, nothing=0.0))


def test_lesions_vanish_as_often_as_asked_for() -> None:
    gone = cases("longinet", 5, vanished=1.0)
    assert all(not case["target"].any() for case in gone)
    assert all(case["baseline_mask"].any() for case in gone)
    stay = cases("longinet", 8, vanished=0.0, growth=(0.9, 1.1))
    assert all(case["target"].any() for case in stay)


def test_the_carried_point_is_as_good_as_the_registration() -> None:
    def distances(error_mm: float) -> list[float]:
        still = {"vanished": 0.0, "growth": (0.9, 1.1), "extra_clicks": 0.0, "spacing_mm": (1.0, 1.0)}
        made = cases("longinet", 12, error_mm=error_mm, error_tail=0.0, **still)
        points = [np.unravel_index(int(case["clicks"].argmax()), INPUTS.size) for case in made]
        return [
            float(np.linalg.norm(np.subtract(point, middle_of(case["target"].numpy()))))
            for point, case in zip(points, made, strict=True)
        ]

    exact, poor = distances(0.0), distances(3.0)
    assert np.median(exact) < 2.0  # irregular shapes have their middle elsewhere
    assert np.median(poor) > np.median(exact) + 1.5


def test_lesions_grow_and_shrink() -> None:
    def ratio(growth: float) -> float:
        made = cases("longinet", 10, vanished=0.0, growth=(growth, growth), diameter_voxels=(8.0, 10.0))
        return float(np.median([case["target"].sum() / case["baseline_mask"].sum() for case in made]))

    assert ratio(0.4) < 0.65
    assert ratio(2.5) > 1.6


def test_more_clicks_lie_on_both_sides_of_the_border() -> None:
    made = cases("uls", 12, extra_clicks=1.0, nothing=0.0)
    assert any(float(case["clicks"].min()) < -0.5 for case in made)
    for case in made:
        no = case["clicks"] < -0.9
        assert not (case["target"][no] > 0).any()


def test_lesions_are_put_into_scans_away_from_their_own(tmp_path: Path) -> None:
    from napari_longiseg.training.randomised.backgrounds import load_backgrounds

    grid = Grid((50, 60, 60), (2.0, 2.0, 2.0))
    rng = np.random.default_rng(0)
    image = np.full(grid.shape, -1000.0)
    image[4:46, 8:52, 8:52] = 60 + rng.normal(0, 5, (42, 44, 44))
    lesion = np.zeros(grid.shape, dtype=np.uint16)
    lesion[10:14, 12:16, 12:16] = 3
    write_image(tmp_path / "a.nii.gz", image.astype(np.int16), grid)
    write_image(tmp_path / "gt_a.nii.gz", lesion, grid)
    (background,) = load_backgrounds((tmp_path / "a.nii.gz",), 0, 1)
    places = background.places["soft"]
    assert len(places) > 100
    nearest = np.linalg.norm((places[:, :3].numpy() - (11.5, 13.5, 13.5)) * 2.0, axis=1)
    assert (places[:, 3].numpy() <= nearest + 2.0).all()
    assert not len(background.places["lung"])
    made = cases("uls", 4, backgrounds=(tmp_path / "a.nii.gz",), background_share=1.0, nothing=1.0)
    assert any(abs(float(case["image"].median()) - 60) < 25 for case in made)


def test_the_workers_of_a_loader_do_not_repeat_each_other() -> None:
    from torch.utils.data import DataLoader

    from napari_longiseg.training.randomised.cases import RandomCases

    stream = RandomCases("uls", INPUTS, 0, RandomisedOptions(**SMALL))
    first, second = islice(DataLoader(stream, 1, num_workers=2), 2)
    assert not (first["image"] == second["image"]).all()


def test_scans_are_as_noisy_as_asked_for() -> None:
    def grain(noise_hu: float) -> float:
        made = cases("uls", 10, noise_hu=(noise_hu, noise_hu), spacing_mm=(2.0, 2.0))
        steps = [np.diff(case["image"].numpy(), axis=2) for case in made]
        return float(np.median([np.median(np.abs(step)) for step in steps]))

    assert grain(40.0) > 2.5 * grain(3.0)


@pytest.mark.parametrize("name", ["soft hypodense", "soft hyperdense"])
def test_the_noise_does_not_hide_a_lesion_in_soft_tissue(name: str) -> None:
    from napari_longiseg.training.randomised.dice import Dice
    from napari_longiseg.training.randomised.lesion import KINDS, random_look

    kind, host_hu = KINDS[name], 60.0

    def contrasts(least_hu: float) -> list[float]:
        looks = [random_look(Dice(seed), (4, 4, 4), kind, host_hu, least_hu) for seed in range(20)]
        return [look.hu - host_hu for look in looks]

    faint, clear = contrasts(0.0), contrasts(90.0)
    assert min(map(abs, faint)) < 90 <= min(map(abs, clear)) + 1e-3
    assert (np.sign(faint) == np.sign(kind.hu[0])).all()
    assert (np.sign(clear) == np.sign(faint)).all()
    assert np.abs(contrasts(1000.0)).max() <= 150.0 + 1e-3


@pytest.mark.parametrize("field", RANGES)
def test_a_range_must_rise(field: str) -> None:
    with pytest.raises(ValidationError, match=f"{field} must be a range of positive numbers, not 3.0 to 2.0"):
        RandomisedOptions(**{field: (3.0, 2.0)})
