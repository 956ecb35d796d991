import pytest
import torch  # noqa: TID253 - masks are its tensors

from napari_longiseg.training.network.scores import case_scores, mean_scores


def boxes(*lengths):
    """A case per length, with so many voxels."""
    masks = torch.zeros(len(lengths), 1, 1, 8)
    for case, length in enumerate(lengths):
        masks[case, ..., :length] = 1
    return masks


def test_dice_is_the_mean_over_cases_not_voxels():
    scores = mean_scores(case_scores(boxes(2, 8), boxes(4, 8)))
    assert scores == {"dice": pytest.approx((4 / 6 + 1) / 2), "dice_present": pytest.approx((4 / 6 + 1) / 2)}


def test_an_absent_lesion_counts_1_where_nothing_is_found_and_0_otherwise():
    scores = mean_scores(case_scores(boxes(0, 0, 1, 4, 0), boxes(0, 0, 0, 4, 4)))
    assert scores == {
        "dice": pytest.approx((1 + 1 + 0 + 1 + 0) / 5),
        "dice_present": pytest.approx(0.5),
        "false_found": pytest.approx(1 / 3),
    }


def test_batches_add_up():
    found, target = boxes(1, 2, 0, 4), boxes(2, 2, 3, 0)
    whole = case_scores(found, target)
    parts = case_scores(found[:1], target[:1]) + case_scores(found[1:], target[1:])
    torch.testing.assert_close(parts, whole)


def test_what_there_are_no_cases_for_is_left_out():
    assert mean_scores(case_scores(boxes(1), boxes(0))) == {"dice": 0.0, "false_found": 1.0}
