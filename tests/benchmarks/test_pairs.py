"""The truth of the benchmark's pairs is where the images agree, and nowhere near it."""

import numpy as np
import pytest
from scipy import ndimage

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.scan import Scan
from napari_longiseg.training.synth import SynthOptions, make_study
from pairs import alter
from pairs.groups import GROUPS, HELD_OUT, TUNING, recipes
from pairs.library import Library, Recipe
from pairs.moved import KINDS, moved_pair, swapped
from pairs.pair import Marks
from pairs.sliding import Sliding
from pairs.synthetic import Synthetic

TINY = SynthOptions(
    seed=3, dates=2, shape=(52, 56, 56), spacing_mm=(3.0, 2.5, 2.5), patient_size=0.4,
    lesions=("lung:stable:12", "liver:stable:12"), noise_hu=5.0,
)  # fmt: skip


@pytest.fixture(scope="module")
def synthetic():
    return Synthetic(3, options=TINY).make()


@pytest.fixture(scope="module")
def real():
    """A scan with outlines, as a study folder has them."""
    made = make_study(TINY)
    first = made.study.scans[0]
    return first, Scan(first.id, made.labels[first.id], first.grid)


@pytest.fixture(scope="module")
def sliding():
    return Sliding(5, 24.0, shape=(70, 84, 84), spacing_mm=(5.0, 4.5, 4.5)).make()


def hu(scan, points_mm):
    smooth = ndimage.gaussian_filter(scan.image.astype(np.float32), 0.7)
    return ndimage.map_coordinates(smooth, scan.grid.to_index(points_mm).T, order=1, mode="nearest")


def well_inside(scan, points_mm):
    low, high = scan.grid.bounds_mm()
    return ((points_mm > low + 12) & (points_mm < high - 12)).all(axis=1)


def correlation(pair, marks, off_mm=(0.0, 0.0, 0.0)):
    """Of the HU around the points that belong together, or that would if the truth were off."""
    marks = marks.kept(well_inside(pair.source, marks.source_mm) & well_inside(pair.target, marks.target_mm))
    around = np.random.default_rng(0).uniform(-6, 6, (40, 3))
    places = [(m[:, None] + around).reshape(-1, 3) for m in (marks.source_mm, marks.target_mm + off_mm)]
    return np.corrcoef(hu(pair.source, places[0]), hu(pair.target, places[1]))[0, 1]


def assert_exact(pair, marks, off_mm=4.0):
    best = correlation(pair, marks)
    assert best > 0.9
    for axis in np.eye(3):
        assert best > correlation(pair, marks, off_mm * axis)
        assert best > correlation(pair, marks, -off_mm * axis)


def test_synthetic_truth_is_where_the_images_agree(synthetic):
    assert len(synthetic.body) > 1000
    assert_exact(synthetic, synthetic.body)


def test_synthetic_scans_are_displaced_as_asked(synthetic):
    moved = np.linalg.norm(synthetic.body.target_mm - synthetic.body.source_mm, axis=1)
    assert moved.mean() == pytest.approx(25.0, abs=3.0)


def test_labels_tell_which_lesion_a_point_lies_in(synthetic):
    grid = synthetic.target.grid
    found = [synthetic.target_labels[grid.nearest_voxel(p)] for p in synthetic.lesions.target_mm]
    assert found == list(synthetic.lesions.lesion)


@pytest.mark.parametrize("kind", KINDS)
def test_moved_scans_agree_with_their_truth(real, kind):
    pair = moved_pair(*real, KINDS[kind])
    assert len(pair.body) > 200
    assert_exact(pair, pair.body)
    back = swapped(pair)
    assert_exact(back, back.body)


@pytest.mark.parametrize("where", ["lung", "content", "wall"])
def test_what_slides_and_what_does_not_have_their_own_truth(sliding, where):
    marks = sliding.body.kept(sliding.body.where == where)
    assert len(marks) > 20
    assert_exact(sliding, marks, off_mm=8.0)


def test_the_content_slides_along_the_wall(sliding):
    z = sliding.body.source_mm[:, 0]
    up = (sliding.body.target_mm - sliding.body.source_mm)[:, 0]
    low = np.abs(z) < 30
    inside, wall = (up[low & (sliding.body.where == w)].mean() for w in ("content", "wall"))
    assert inside - wall == pytest.approx(22, abs=4)


def test_sliding_is_undone_exactly():
    one = Sliding(5, -30.0)
    z = np.linspace(-200, 200, 999)
    np.testing.assert_allclose(one.came(z + one.slide(z)), z, atol=0.01)


def ramp(grid):
    return Scan(
        "ramp", (10 * grid.to_mm(np.stack(np.indices(grid.shape), -1))[..., 0]).astype(np.int16), grid
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda s: alter.thick(s, 5.0),
        lambda s: alter.resampled(s, 2.5),
        lambda s: alter.cropped(s, 0.2),
        lambda s: alter.part(s, 0.3, 0.8),
    ],
    ids=["thick", "resampled", "cropped", "part"],
)
def test_changed_scans_keep_places(change):
    scan = ramp(Grid((50, 12, 14), (2.0, 1.5, 1.5), (-30.0, 4.0, 5.0)))
    changed = change(scan)
    assert changed.grid != scan.grid
    np.testing.assert_allclose(changed.image[1:-1], ramp(changed.grid).image[1:-1], atol=1)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_an_axis_reversed_in_the_file_is_read_as_the_same_scan(axis):
    scan = ramp(Grid((9, 12, 14), (2.0, 1.5, 1.5), (-30.0, 4.0, 5.0)))
    again = alter.reversed_axis(scan, axis)
    np.testing.assert_array_equal(again.image, scan.image)
    np.testing.assert_allclose(again.grid.bounds_mm(), scan.grid.bounds_mm(), atol=1e-3)


def test_a_pair_is_kept_and_found_again(synthetic, tmp_path):
    made = []

    def make(_):
        made.append(1)
        return synthetic

    recipe = Recipe("fov", "one, 1", make, held_out=True, like="other")
    for _ in range(2):
        (pair,) = Library([recipe], tmp_path).pairs("fov", held_out=True)
        assert (pair.name, pair.group, pair.held_out, pair.like) == ("one, 1", "fov", True, "other")
        np.testing.assert_array_equal(pair.target.image, synthetic.target.image)
        np.testing.assert_array_equal(pair.lesions.where, synthetic.lesions.where)
        np.testing.assert_array_equal(pair.target_labels, synthetic.target_labels)
        assert pair.source.grid == synthetic.source.grid
    assert made == [1]
    assert [p.name for p in tmp_path.iterdir()] == ["one-1.npz"]


def test_two_pairs_of_one_name_are_refused():
    with pytest.raises(InputError, match="different names"):
        Library([Recipe("fov", "one", lambda _: None)] * 2)


def test_points_outside_a_scan_are_left_out():
    grid = Grid((4, 4, 4), (1.0, 1.0, 1.0))
    marks = Marks.of([[0, 0, 0], [9, 0, 0], [1, 1, 1]], [[0, 0, 0], [1, 1, 1], [-9, 0, 0]])
    assert len(marks.seen_by(grid, grid)) == 1


def test_no_seed_is_both_tuned_on_and_held_out():
    seeds = [
        {*half.plain, half.contrast, *half.breathing, *(seed for seed, _ in half.sliding)}
        for half in (TUNING, HELD_OUT)
    ]
    assert not seeds[0] & seeds[1]
    assert TUNING.motion != HELD_OUT.motion


@pytest.fixture
def study_folders(tmp_path):
    """Two folders of which only the names and scan ids are asked for."""
    folders = [tmp_path / name for name in ("a", "b")]
    for folder in folders:
        folder.mkdir()
        (folder / "study.json").write_text('{"scans": [{"id": "T0"}, {"id": "T1"}]}')
    return folders


def test_the_list_of_pairs_hangs_together(study_folders):
    listed = list(recipes(study_folders))
    names = [recipe.name for recipe in listed]
    assert len(set(names)) == len(names)
    assert {recipe.group for recipe in listed} == set(GROUPS)
    assert {recipe.like for recipe in listed} <= {"", *names}
    assert {recipe.held_out for recipe in listed if recipe.group != "studies"} == {True, False}


def test_pairs_made_of_another_fit_together(synthetic):
    made_of_others = [
        r for r in recipes([]) if r.group in ("fov", "refuse", "consistency") and not r.held_out
    ]
    plain = [Recipe("synthetic", f"synthetic {seed}", lambda _: synthetic) for seed in TUNING.plain]
    library = Library([*plain, *made_of_others])
    for recipe in made_of_others:
        if "arterial" in recipe.name:  # a patient of its own
            continue
        pair = library[recipe.name]
        assert bool(len(pair.body)) != pair.refuse
        if len(pair.body) and "noise" not in pair.name:
            assert correlation(pair, pair.body) > 0.9
