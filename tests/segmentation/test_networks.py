"""The segmenters uls and longinet, with small networks of random weights and with those of the package."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_longiseg.core.errors import InputError, SegmentationError
from napari_longiseg.core.geometry import Grid, Point
from napari_longiseg.core.lesion import Click
from napari_longiseg.core.methods import SEGMENTERS, create
from napari_longiseg.core.scan import ScanStatistics
from napari_longiseg.models.architecture import Architecture
from napari_longiseg.models.inputs import Inputs, Window
from napari_longiseg.models.network_file import Kind, NetworkCard, save_network
from napari_longiseg.segmentation._network import runner, search
from napari_longiseg.segmentation.base import Prior, Segmenter, VoiRequest
from napari_longiseg.segmentation.region import RegionSegmenter

SMALL = Architecture(
    kind="plain",
    features=(4, 8),
    kernels=((3, 3, 3), (3, 3, 3)),
    strides=((1, 1, 1), (2, 2, 2)),
    encoder_convs=(1, 1),
    decoder_convs=(1,),
)
WINDOW = Window(low_hu=-1000, high_hu=400)
INPUTS = Inputs(size=(16, 16, 16), spacings_mm=(1.0, 2.0), windows=(WINDOW,), click_sigma=2.0)
GRID = Grid((24, 40, 40), (2.0, 1.0, 1.0), (-24.0, -20.0, -20.0))


def network_file(
    folder: Path, kind: Kind, inputs: Inputs = INPUTS, sees: bool | None = None, seed: int = 0
) -> str:
    """A network of random weights; *sees* makes it call everything lesion, or nothing."""
    import torch

    torch.manual_seed(seed)
    card = NetworkCard(kind=kind, architecture=SMALL, inputs=inputs, licence="CC0")
    network = card.empty()
    unet = network.unet if kind == "longinet" else network
    if sees is not None:
        unet.decoder.seg_layers[-1].bias.data = torch.tensor([0.0, 50.0 if sees else -50.0])
    path = folder / f"{kind}{seed}.safetensors"
    save_network(path, network, card)
    return str(path)


def request(
    point: Point = (0.0, 0.0, 0.0), prior: bool = False, tolerance_mm: float = 3.0, seed: int = 0
) -> VoiRequest:
    image = np.random.default_rng(seed).normal(0, 100, GRID.shape).astype(np.float32)
    mask = np.zeros(GRID.shape, dtype=bool)
    mask[10:14, 16:24, 16:24] = True
    other = Prior(image[::-1].copy(), mask, GRID) if prior else None
    return VoiRequest(1, image, GRID, (Click("T0", point),), ScanStatistics(0, 1, -1, 1), other, tolerance_mm)


def found(segmenter: Segmenter, *requests: VoiRequest) -> list[np.ndarray]:
    return [result.probability for result in segmenter.segment(requests)]


def test_they_are_found_by_their_names_and_say_what_they_want(tmp_path: Path) -> None:
    uls = create(SEGMENTERS, "uls", weights=network_file(tmp_path, "uls"))
    longinet = create(SEGMENTERS, "longinet", weights=network_file(tmp_path, "longinet"))
    assert uls.info.prompts == ("click", "negative_click")
    assert longinet.info.prompts == ("click", "negative_click", "prior")
    assert uls.info.licence == "CC0"
    assert all(edge >= 16 * 2.0 for edge in uls.info.voi_mm)


def test_a_network_for_the_scans_own_voxels_asks_for_so_many(tmp_path: Path) -> None:
    own = Inputs(size=(16, 32, 32), windows=(WINDOW,))
    uls = create(SEGMENTERS, "uls", weights=network_file(tmp_path, "uls", own))
    assert uls.info.voi_voxels == (16, 32, 32)
    assert "negative_click" not in uls.info.prompts  # it has no channel for clicks
    (probability,) = found(uls, request())
    assert probability.shape == GRID.shape


@pytest.mark.parametrize("name", ["uls", "longinet"])
def test_batches_change_nothing(tmp_path: Path, name: Kind) -> None:
    weights = {"weights": network_file(tmp_path, name)}
    if name == "longinet":
        weights["single_weights"] = network_file(tmp_path, "uls")
    requests = [request((0.0, 0.0, float(n)), prior=n != 1, seed=n) for n in range(3)]
    one, many = (found(create(SEGMENTERS, name, batch=n, **weights), *requests) for n in (1, 8))
    for a, b in zip(one, many, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_longinet_leaves_scans_without_a_prior_to_the_single_scan_network(tmp_path: Path) -> None:
    single = network_file(tmp_path, "uls", sees=True)
    longinet = create(
        SEGMENTERS, "longinet", weights=network_file(tmp_path, "longinet", sees=False), single_weights=single
    )
    alone, beside = found(longinet, request(), request(prior=True))
    assert (alone >= 0.5).any()
    assert not beside.any()
    np.testing.assert_array_equal(alone, found(create(SEGMENTERS, "uls", weights=single), request())[0])


def test_a_readers_own_click_is_believed_where_longinet_sees_nothing(tmp_path: Path) -> None:
    longinet = create(
        SEGMENTERS,
        "longinet",
        weights=network_file(tmp_path, "longinet", sees=False),
        single_weights=network_file(tmp_path, "uls", sees=True),
    )
    carried, clicked = found(
        longinet, request(prior=True, tolerance_mm=3.0), request(prior=True, tolerance_mm=0.0)
    )
    assert not carried.any()
    assert (clicked >= 0.5).any()


@pytest.fixture
def nodule(make_ball: Callable[[Grid, Point, float], np.ndarray]) -> VoiRequest:
    """Easy for the method `region`."""
    lesion = make_ball(GRID, (0.0, 0.0, 0.0), 7.0)
    image = np.where(lesion, 40, -850) + np.random.default_rng(0).normal(0, 10, GRID.shape)
    return replace(request(prior=True), image=image.astype(np.float32), tolerance_mm=0.0)


def test_an_unsure_network_and_region_share_the_outline(tmp_path: Path, nodule: VoiRequest) -> None:
    weights = network_file(tmp_path, "uls", sees=False)
    asked, alone = (
        found(create(SEGMENTERS, "uls", weights=weights, second_opinion=wanted), nodule)[0]
        for wanted in (True, False)
    )
    assert not alone.any()
    np.testing.assert_array_equal(asked, found(RegionSegmenter(), replace(nodule, prior=None))[0])


@pytest.mark.parametrize("sure_from", ["close by", "farther away"])
def test_of_two_looks_the_surer_one_counts_alone_where_it_is_sure(
    tmp_path: Path, monkeypatch, nodule: VoiRequest, make_ball, sure_from: str
) -> None:
    balls = {1.0: 4.0, 2.0: 6.0}
    levels = {1.0: 0.97, 2.0: 0.6} if sure_from == "close by" else {1.0: 0.6, 2.0: 0.97}

    def see(network, inputs, scenes):
        for shown in scenes:
            step = min(balls, key=lambda mm: abs(mm - shown.grid.spacing_mm[0]))
            yield make_ball(shown.grid, (0.0, 0.0, 0.0), balls[step]) * np.float32(levels[step])

    monkeypatch.setattr(runner, "_probabilities", see)
    monkeypatch.setattr(search, "at_half_contrast", lambda request, outline: outline)
    uls = create(SEGMENTERS, "uls", weights=network_file(tmp_path, "uls"))
    (result,) = uls.segment([nodule])
    radius = (3 / (4 * np.pi) * 1000 * nodule.grid.voxel_ml * (result.probability >= 0.5).sum()) ** (1 / 3)
    assert radius == pytest.approx(4.0 if sure_from == "close by" else 6.0, abs=0.7)


def test_longinet_says_whether_it_is_there_and_all_say_where(tmp_path: Path, nodule: VoiRequest) -> None:
    carried = replace(nodule, tolerance_mm=3.0, prior=Prior(nodule.image, nodule.image > -400, GRID))
    made = {
        sees: {
            wanted: found(
                create(
                    SEGMENTERS,
                    "longinet",
                    weights=network_file(tmp_path, "longinet", sees=sees),
                    single_weights=network_file(tmp_path, "uls", sees=False),
                    second_opinion=wanted,
                ),
                carried,
            )[0]
            for wanted in (True, False)
        }
        for sees in (True, False)
    }
    assert not made[False][True].any()
    region = found(RegionSegmenter(), carried)[0]
    np.testing.assert_allclose(made[True][True], (made[True][False] + region) / 2, atol=1e-6)


def test_a_lesion_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    longinet = create(SEGMENTERS, "longinet", weights=network_file(tmp_path, "longinet", sees=False))
    (result,) = longinet.segment([request(prior=True)])
    assert result.reason == "LongiNet sees nothing of the lesion there: it is gone, or too small to be seen."


def test_a_request_that_shows_nothing_does_not_disturb_the_others(tmp_path: Path) -> None:
    uls = create(SEGMENTERS, "uls", weights=network_file(tmp_path, "uls", sees=True))
    first, bad, last = uls.segment([request(), request((90.0, 0.0, 0.0)), request()])
    assert bad.reason == "The click lies outside the image."
    np.testing.assert_array_equal(first.probability, last.probability)


@pytest.mark.parametrize("name", ["uls", "longinet"])
def test_weights_are_loaded_once_and_beforehand(tmp_path: Path, monkeypatch, name: Kind) -> None:
    loaded: list[str] = []
    load = runner.load_network
    monkeypatch.setattr(runner, "load_network", lambda path: (loaded.append(path.name), load(path))[1])
    weights = {"weights": network_file(tmp_path, name, seed=1)}
    stages = [f"Loading weights of {name}"]
    if name == "longinet":
        weights["single_weights"] = network_file(tmp_path, "uls", seed=2)
        stages.append("Loading weights of uls")
    segmenter = create(SEGMENTERS, name, **weights)
    heard: list[str] = []
    segmenter.prepare(lambda stage, fraction: heard.append(stage))
    assert heard == stages
    assert len(loaded) == len(stages)
    found(segmenter, request(), request(prior=True))
    assert len(loaded) == len(stages)


def test_new_weights_in_the_same_file_are_read_again(tmp_path: Path) -> None:
    path = network_file(tmp_path, "uls", sees=True)
    uls = create(SEGMENTERS, "uls", weights=path)
    assert found(uls, request())[0].any()
    Path(path).unlink()
    network_file(tmp_path, "uls", sees=False)
    assert not found(uls, request())[0].any()


def test_a_network_of_the_other_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="of the kind longinet, not uls; choose the segmenter longinet"):
        _ = create(SEGMENTERS, "uls", weights=network_file(tmp_path, "longinet")).info


def test_missing_weights_are_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file"):
        _ = create(SEGMENTERS, "uls", weights=str(tmp_path / "none.safetensors")).info


@pytest.mark.parametrize("name", ["uls", "longinet"])
def test_an_empty_batch_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="batch must be 1 or more, not 0"):
        create(SEGMENTERS, name, batch=0)


def test_a_device_that_is_not_there_is_refused(tmp_path: Path) -> None:
    uls = create(SEGMENTERS, "uls", weights=network_file(tmp_path, "uls"), device="nonsense")
    with pytest.raises(SegmentationError, match="There is no device called 'nonsense'"):
        list(uls.segment([request()]))


def test_what_they_want_is_known_without_torch() -> None:
    """The panel asks for it, and must not wait for torch."""
    code = (
        "import sys; from napari_longiseg.core.methods import SEGMENTERS, create\n"
        "create(SEGMENTERS, 'uls').info; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
