import numpy as np
import pytest
import torch  # noqa: TID253 - networks see its tensors
from pydantic import ValidationError

from napari_longiseg.core.errors import InputError
from napari_longiseg.models.inputs import (
    PUBLISHED,
    Inputs,
    Window,
    channels,
    click_map,
    hu_at,
    spacing_for,
    unknown_spacings,
)

SIZE = (6, 8, 10)
NONE = torch.zeros(0, 3)


class TestClickMap:
    def test_is_one_at_a_click_and_falls_off_in_all_directions(self):
        made = click_map(SIZE, torch.tensor([[2.0, 3.0, 4.0]]), NONE, sigma=2.0)
        assert made.shape == SIZE
        assert made[2, 3, 4] == 1
        beside = made[3, 3, 4], made[2, 4, 4], made[2, 3, 3]
        torch.testing.assert_close(torch.stack(beside), torch.full((3,), np.exp(-1 / 8), dtype=torch.float32))

    def test_may_lie_between_voxels(self):
        made = click_map(SIZE, torch.tensor([[2.5, 3.0, 4.0]]), NONE, sigma=2.0)
        assert made[2, 3, 4] == made[3, 3, 4] == made.max() < 1

    def test_negative_clicks_are_negative(self):
        click = torch.tensor([[1.0, 1.0, 1.0]])
        torch.testing.assert_close(click_map(SIZE, NONE, click, 1.0), -click_map(SIZE, click, NONE, 1.0))
        assert not click_map(SIZE, click, click, 1.0).any()

    def test_many_clicks_are_as_high_as_one(self):
        one = torch.tensor([[1.0, 1.0, 1.0]])
        torch.testing.assert_close(
            click_map(SIZE, one.repeat(3, 1), NONE, 1.0), click_map(SIZE, one, NONE, 1.0)
        )

    def test_without_clicks_is_empty(self):
        assert not click_map(SIZE, NONE, NONE, 1.0).any()


class TestHuAt:
    def test_is_that_of_the_lesion_and_not_of_what_is_around(self):
        image = torch.full(SIZE, -800.0)
        image[:, :, 5:] = 60
        assert hu_at(image, torch.tensor([[3.0, 4.0, 9.0]])) == pytest.approx(60, abs=5)
        assert hu_at(image, torch.tensor([[3.0, 4.0, 0.0]])) == pytest.approx(-800, abs=5)

    def test_is_a_mean_over_all_clicks(self):
        image = torch.zeros(SIZE)
        image[:, :, 5:] = 100
        assert hu_at(image, torch.tensor([[3.0, 4.0, 0.0], [3.0, 4.0, 9.0]])) == pytest.approx(50, abs=3)

    def test_without_clicks_is_water(self):
        assert hu_at(torch.full(SIZE, 60.0), NONE) == 0


class TestChannels:
    image = torch.tensor([-2000.0, -1000.0, -300.0, 400.0, 3000.0]).reshape(1, 1, 1, 5)

    def seen(self, window, reference_hu=0.0):
        inputs = Inputs(size=SIZE, windows=(window,))
        return channels(inputs, self.image, torch.tensor([reference_hu]), None).flatten().tolist()

    def test_a_window_is_stretched_to_0_to_1_and_clamped(self):
        assert self.seen(Window(low_hu=-1000, high_hu=400)) == [0, 0, 0.5, 1, 1]

    def test_a_relative_window_counts_from_the_lesion(self):
        window = Window(low_hu=-200, high_hu=200, relative=True)
        assert self.seen(window, reference_hu=400) == [0, 0, 0, 0.5, 1]
        assert self.seen(window, reference_hu=-400) == [0, 0, 0.75, 1, 1]

    def test_a_normal_window_has_mean_and_deviation_of_its_own(self):
        window = Window(low_hu=-1000, high_hu=400, normal=(-300, 100))
        assert self.seen(window) == [-7, -7, 0, 7, 7]

    def test_every_case_of_a_batch_has_its_own_lesion(self):
        inputs = Inputs(size=SIZE, windows=(Window(low_hu=-100, high_hu=100, relative=True),))
        image = torch.full((2, *SIZE), 40.0)
        seen = channels(inputs, image, torch.tensor([40.0, 140.0]), None)
        assert seen.shape == (2, 1, *SIZE)
        assert (seen[0].mean(), seen[1].mean()) == (0.5, 0)

    def test_the_clicks_come_last_and_as_they_are(self):
        inputs = Inputs(size=SIZE, windows=PUBLISHED.windows * 2, click_sigma=2.0)
        clicks = torch.rand(1, *SIZE) - 0.5
        seen = channels(inputs, torch.zeros(1, *SIZE), torch.zeros(1), clicks)
        assert seen.shape[1] == inputs.channels == 3
        assert torch.equal(seen[:, -1], clicks)
        with pytest.raises(InputError, match="sees clicks in a channel of their own; give their map"):
            channels(inputs, torch.zeros(1, *SIZE), torch.zeros(1), None)

    def test_a_network_without_such_a_channel_does_not_see_clicks(self):
        seen = channels(PUBLISHED, torch.zeros(1, *SIZE), torch.zeros(1), torch.ones(1, *SIZE))
        assert seen.shape[1] == PUBLISHED.channels == 1


def test_the_published_inputs():
    """Section 2.2 and table 1 of the LongiNet paper."""
    assert PUBLISHED.size == (64, 128, 128)
    assert PUBLISHED.windows == (Window(low_hu=-1000, high_hu=400),)
    assert PUBLISHED.spacings_mm is PUBLISHED.click_sigma is None


@pytest.mark.parametrize(("extent_mm", "spacing_mm"), [(4, 0.8), (16, 0.8), (17, 1.5), (200, 2.8)])
def test_large_lesions_are_seen_in_coarse_voxels(extent_mm, spacing_mm):
    inputs = Inputs(size=(40, 40, 40), windows=PUBLISHED.windows, spacings_mm=(2.8, 0.8, 1.5))
    assert spacing_for(extent_mm, inputs) == spacing_mm
    assert spacing_for(extent_mm, PUBLISHED) is None


@pytest.mark.parametrize(
    ("spacings_mm", "first"),
    [((2.8, 0.8, 1.5), (0.8, 1.5)), ((1.0, 2.0), (1.0, 2.0)), ((1.5,), (1.5,)), (None, (None,))],
)
def test_lesions_of_unknown_size_are_seen_in_the_finest_and_in_the_middle_voxels(spacings_mm, first):
    inputs = Inputs(size=(40, 40, 40), windows=PUBLISHED.windows, spacings_mm=spacings_mm)
    assert unknown_spacings(inputs) == first


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"windows": ()}, "at least 1 item"),
        ({"windows": ({"low_hu": 40, "high_hu": 40},)}, "a window must rise, and 40.0 HU is not below 40.0"),
        ({"windows": ({"low_hu": float("nan"), "high_hu": 40},)}, "should be a finite number"),
        ({"windows": ({"low_hu": 0, "high_hu": 40, "normal": (0, 0)},)}, "greater than 0"),
        ({"click_sigma": 0}, "greater than 0"),
        ({"spacings_mm": (0.8, -1)}, "greater than 0"),
        ({"spacings_mm": ()}, "at least 1 item"),
        ({"size": (64, 128)}, "Field required"),
        ({"shape": (64, 128, 128)}, "Extra inputs are not permitted"),
    ],
)
def test_what_no_network_can_see_is_refused(change, message):
    with pytest.raises(ValidationError, match=message):
        Inputs.model_validate(PUBLISHED.model_dump() | change)
