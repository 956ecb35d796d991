"""Cases are cut as a segmenter shows them to a network: the same voxels, the same clicks."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch  # noqa: TID253 - cases are its tensors
from torch.utils.data import DataLoader  # noqa: TID253

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Box
from napari_longiseg.core.lesion import Click
from napari_longiseg.models.inputs import Inputs, Window
from napari_longiseg.segmentation._network.scene import scene
from napari_longiseg.segmentation._network.search import searches
from napari_longiseg.segmentation.base import SegmenterInfo
from napari_longiseg.tracking.voi import prior_of, voi_request
from napari_longiseg.training.real import dataset as module
from napari_longiseg.training.real.dataset import PairDataset, epoch_order
from napari_longiseg.training.real.jitter import EMBEDDED, NONE, Jitter
from napari_longiseg.training.real.pairs import pairs_for

WINDOW = (Window(low_hu=-160, high_hu=240),)
OWN = Inputs(size=(8, 24, 20), windows=WINDOW)
LADDER = Inputs(size=(20, 20, 20), spacings_mm=(0.8, 1.5, 2.8), windows=WINDOW, click_sigma=2.0)
SAME, GONE, MERGED = 0, 1, 2
"""Indices of pairs for LongiNet."""
LESION_HU = pytest.approx(130, abs=15)
"""Its voxels at the border are blurred."""


@pytest.fixture
def longinet(pairs):
    return pairs_for("longinet", pairs)


@pytest.fixture
def first_looks(monkeypatch):
    monkeypatch.setattr(module, "SECOND_LOOKS", 0.0)


@pytest.fixture
def second_looks(monkeypatch):
    monkeypatch.setattr(module, "SECOND_LOOKS", 1.0)
    monkeypatch.setattr(module, "MISSED_VOXELS", 0.0)


def middle(mask: torch.Tensor) -> np.ndarray:
    box = Box.of_mask(mask.numpy())
    return (np.asarray(box.start) + box.stop - 1) / 2


def peak(clicks: torch.Tensor) -> np.ndarray:
    return np.array(np.unravel_index(int(clicks.argmax()), tuple(clicks.shape)))


class TestOwnVoxels:
    def test_they_are_copied(self, longinet, unpacked):
        case = PairDataset(longinet, OWN, unpacked, NONE)[SAME]
        side = longinet[SAME].followup
        scan, lesion = unpacked.scan(side.scan), unpacked.lesion(side.scan, side.mask, side.label)
        box = Box.around(scan.grid.to_index(lesion.point_mm), OWN.size)
        np.testing.assert_array_equal(case["image"], scan.crop(box))
        np.testing.assert_array_equal(case["target"], lesion.mask.within(box))

    def test_what_is_beyond_the_scan_is_air(self, longinet, unpacked):
        wide = Inputs(size=(40, 24, 20), windows=WINDOW)
        image = PairDataset(longinet, wide, unpacked, NONE)[SAME]["image"]
        assert (image[0] == -1024).all()
        assert image[20].min() > 0


class TestLadder:
    def test_both_scans_have_the_baseline_s_voxels_and_their_lesion_in_the_middle(
        self, longinet, unpacked, first_looks
    ):
        case = PairDataset(longinet, LADDER, unpacked, NONE)[SAME]
        # 10 mm of 20 voxels: no more than half of 20 x 1.5 mm; the follow-up's ball of 14 mm is in view
        for mask, diameter in ((case["baseline_mask"], 10), (case["target"], 14)):
            np.testing.assert_allclose(middle(mask), 9.5, atol=1)
            volume = float(mask.sum()) * 1.5**3
            assert volume == pytest.approx(np.pi / 6 * diameter**3, rel=0.12)
        assert float(case["image"][case["target"] > 0].mean()) == LESION_HU
        assert float(case["reference_hu"]) == LESION_HU

    def test_a_second_look_is_at_the_middle_of_the_lesion_in_voxels_that_fit(
        self, longinet, unpacked, second_looks
    ):
        case = PairDataset(longinet, LADDER, unpacked, Jitter(core_mm=8.0), seed=1)[SAME]
        target = case["target"]
        np.testing.assert_allclose(middle(target), 9.5, atol=0.5)
        extent = np.ptp(np.argwhere(target.numpy()), axis=0) + 1
        assert extent.max() == pytest.approx(0.45 * 20, abs=1)
        assert np.abs(peak(case["clicks"]) - 9.5).max() > 1

    def test_a_lesion_that_is_gone_has_an_empty_target_at_its_click(self, longinet, unpacked, second_looks):
        case = PairDataset(longinet, LADDER, unpacked, NONE)[GONE]
        assert not case["target"].any()
        assert case["baseline_mask"].any()
        assert (peak(case["clicks"]) >= 9).all()
        assert (peak(case["clicks"]) <= 10).all()
        assert float(case["reference_hu"]) == LESION_HU

    def test_lesions_that_merged_have_their_own_baseline_and_one_target(self, longinet, unpacked):
        four, five = (PairDataset(longinet, LADDER, unpacked, NONE)[MERGED + i] for i in range(2))
        assert float(four["baseline_mask"].sum()) < 0.5 * float(four["target"].sum())
        assert not torch.equal(four["baseline_image"], five["baseline_image"])

    def test_a_lesion_smaller_than_a_voxel_is_not_gone(self, longinet, unpacked, first_looks):
        coarse = Inputs(size=(8, 8, 8), spacings_mm=(30.0,), windows=WINDOW)
        case = PairDataset(longinet, coarse, unpacked, NONE)[SAME]
        assert int(case["target"].sum()) == int(case["baseline_mask"].sum()) == 1


@pytest.mark.parametrize("inputs", [OWN, LADDER])
def test_a_first_look_is_what_the_segmenter_shows_the_network(longinet, unpacked, inputs, first_looks):
    case = PairDataset(longinet, inputs, unpacked, NONE)[SAME]
    pair = longinet[SAME]
    before, later = (unpacked.scan(side.scan) for side in (pair.baseline, pair.followup))
    mask = unpacked.lesion(pair.baseline.scan, pair.baseline.mask, pair.baseline.label).mask
    own = inputs.size if inputs.spacings_mm is None else None
    info = SegmenterInfo("longinet", ("click", "prior"), (80.0, 80.0, 80.0), voi_voxels=own)
    click = Click("FU_00", pair.followup.click_mm)
    prior = prior_of(before, mask, pair.baseline.click_mm, info)
    request = voi_request(later, 1, (click,), info, prior)
    (search,) = searches(request, inputs, prior)
    shown = scene(request, search.next, inputs, prior)
    np.testing.assert_allclose(case["image"], shown.image, atol=1e-3)
    np.testing.assert_allclose(case["baseline_image"], shown.baseline, atol=1e-3)
    np.testing.assert_array_equal(case["baseline_mask"], shown.baseline_mask)
    if inputs.click_sigma is not None:
        np.testing.assert_allclose(peak(case["clicks"]), shown.positive[0], atol=0.51)


class TestSingleScans:
    def test_there_is_no_baseline(self, pairs, unpacked):
        case = PairDataset(pairs_for("uls", pairs), LADDER, unpacked, NONE)[0]
        assert sorted(case) == ["clicks", "image", "reference_hu", "target"]
        assert 100 < float(case["reference_hu"]) < 145

    def test_the_size_is_not_always_known(self, pairs, unpacked, first_looks):
        single = pairs_for("uls", pairs)[2:3]  # 9 mm: voxels of 1 mm would do
        ladder = Inputs(size=(20, 20, 20), spacings_mm=(1.0, 2.0, 4.0), windows=WINDOW)
        cases = [PairDataset(single, ladder, unpacked, NONE, epoch=epoch)[0] for epoch in range(8)]
        voxels = {int(case["target"].sum()) for case in cases}
        assert len(voxels) == 2
        assert max(voxels) / min(voxels) == pytest.approx(8, rel=0.15)


class TestRandomness:
    def test_a_case_depends_on_seed_epoch_and_index_alone(self, longinet, unpacked):
        def image(seed: int, epoch: int) -> torch.Tensor:
            return PairDataset(longinet, LADDER, unpacked, EMBEDDED, seed, epoch)[SAME]["image"]

        assert torch.equal(image(0, 0), image(0, 0))
        assert not torch.equal(image(0, 0), image(0, 1))
        assert not torch.equal(image(0, 0), image(1, 0))

    def test_a_worker_s_copy_makes_the_same(self, longinet, unpacked):
        cases = PairDataset(longinet, LADDER, unpacked, EMBEDDED)
        batch = next(iter(DataLoader(cases, len(cases))))
        assert batch["image"].shape == (4, 20, 20, 20)
        copy = pickle.loads(pickle.dumps(cases))
        for index in range(len(cases)):
            for name, values in copy[index].items():
                assert torch.equal(batch[name][index], values), name

    def test_every_pair_comes_once_an_epoch(self):
        assert sorted(epoch_order(7, 0, 0)) == list(range(7))
        assert epoch_order(7, 0, 0) != epoch_order(7, 0, 1)

    def test_devices_share_an_epoch_in_equal_parts(self):
        shares = [epoch_order(7, 0, 3, rank, 2) for rank in range(2)]
        assert [len(share) for share in shares] == [4, 4]
        assert set(shares[0] + shares[1]) == set(range(7))
        assert epoch_order(1, 0, 0, 2, 3) == [0]


def test_pairs_and_single_lesions_do_not_mix(pairs, unpacked):
    with pytest.raises(InputError, match="Some of the pairs have a baseline and some have none"):
        PairDataset(pairs, LADDER, unpacked, NONE)


def test_pairs_that_were_not_looked_at(longinet, unpacked):
    side = replace(longinet[SAME].followup, click_mm=None)
    cases = PairDataset([replace(longinet[SAME], followup=side)], LADDER, unpacked, NONE)
    with pytest.raises(InputError, match=r"Label 1 on .*FU_img_00.nii.gz has no click yet"):
        cases[0]
