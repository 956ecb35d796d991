import pytest
import torch  # noqa: TID253 - losses are its tensors
from torch import nn  # noqa: TID253

from napari_longiseg.training.network.average import averaged
from napari_longiseg.training.network.losses import (
    reconstruction_loss,
    segmentation_loss,
    supervised_loss,
)


def sure(mask):
    """Logits that leave no doubt of a mask."""
    return torch.stack((20.0 - 40.0 * mask, 40.0 * mask - 20.0), dim=1)


@pytest.fixture
def mask():
    """A lesion of 8 voxels in one case, none in the other."""
    mask = torch.zeros(2, 8, 8, 8)
    mask[0, 2:4, 2:4, 2:4] = 1
    return mask


def test_what_is_right_costs_nothing_also_where_nothing_is_to_be_found(mask):
    assert segmentation_loss(sure(mask), mask) < 1e-3
    assert segmentation_loss(sure(1 - mask), mask) > 1.5


def test_a_small_lesion_counts(mask):
    """Cross-entropy alone would hardly miss 8 voxels of 1024; Dice of the lesion is half of Dice's loss."""
    blank = torch.zeros_like(mask)
    assert segmentation_loss(sure(blank), mask) > 0.5


def test_half_precision_holds_the_sums_over_a_voi():
    mask = torch.zeros(1, 64, 64, 64)
    assert segmentation_loss(sure(mask).half(), mask) < 1e-3


def test_each_coarser_stage_counts_half_as_much_and_the_coarsest_not_at_all(mask):
    coarse = mask[:, ::2, ::2, ::2]
    fine_loss = segmentation_loss(sure(1 - mask), mask)
    coarse_loss = segmentation_loss(sure(1 - coarse), coarse)
    stages = [sure(1 - mask), sure(1 - coarse), torch.zeros(2, 2, 2, 2, 2)]
    expected = (fine_loss + 0.5 * coarse_loss) / 1.5
    torch.testing.assert_close(supervised_loss(stages, mask), expected)
    torch.testing.assert_close(supervised_loss(stages[:1], mask), fine_loss)
    torch.testing.assert_close(supervised_loss(stages[0], mask), fine_loss)


def test_the_baseline_mask_is_kept_at_coarse_levels(mask):
    """One voxel of eight is enough to find it there."""
    mask[0] = 0
    mask[0, 5, 5, 5] = 1
    coarse = torch.zeros(2, 2, 2, 2)
    coarse[0, 1, 1, 1] = 1
    assert reconstruction_loss([sure(mask), sure(coarse)], mask) < 1e-3


def test_the_average_forgets_the_start_soon_and_then_reaches_back_far():
    layer = nn.Linear(1, 1, bias=False)
    average = averaged(layer, decay=0.9)
    shares = []
    for _ in range(100):
        old = average.module.weight.item()
        with torch.no_grad():
            layer.weight.fill_(old + 1)
        average.update_parameters(layer)
        shares.append(average.module.weight.item() - old)
    assert shares[0] == pytest.approx(1)
    assert shares[1] > 0.7
    assert shares[-1] == pytest.approx(0.1, abs=1e-4)
    assert not average.module.weight.requires_grad
