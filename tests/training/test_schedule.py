import pytest

from napari_longiseg.training.schedule import rate_factor


def test_the_rate_is_small_at_first_and_then_falls_to_nothing():
    factors = [rate_factor(step, 100, 3, 0.1, 0.9) for step in range(101)]
    assert factors[:3] == [0.1, 0.1, 0.1]
    assert factors[3] == pytest.approx(0.97**0.9)
    assert factors[50] == pytest.approx(0.5**0.9)
    assert factors[100] == 0
    assert factors[3:] == sorted(factors[3:], reverse=True)


def test_without_a_warm_up_it_starts_whole():
    assert rate_factor(0, 100, 0, 0.1, 0.9) == 1


def test_steps_beyond_the_last_are_still():
    assert rate_factor(120, 100, 0, 0.1, 0.9) == 0


def test_a_power_of_nothing_keeps_it():
    assert rate_factor(60, 100, 0, 0.1, 0) == 1
