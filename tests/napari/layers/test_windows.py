from __future__ import annotations

from napari_longiseg._napari.layers.windows import WINDOWS, name_of, next_window


def test_windows_follow_one_another_and_come_round():
    seen = ["Lung"]
    while (name := next_window(seen[-1])) != seen[0]:
        seen.append(name)
    assert seen == ["Lung", "Soft tissue", "Bone", "Liver", "Brain"] == list(WINDOWS)


def test_after_a_window_of_the_readers_own_comes_the_first():
    assert next_window("") == "Lung"


def test_a_window_is_known_by_its_limits():
    assert name_of([-20, 160]) == "Liver"
    assert name_of((-20.0, 161.0)) == ""
