"""What the benchmark says of registrations whose errors are known beforehand."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from _child import Job, run
from _docs import START, STOP, write_docs
from _measure import Comparison, Unavailable, disagreement, folding, measure
from _results import UNAVAILABLE, Results
from _summary import errors, trust, verdict
from _tables import tables
from napari_longiseg.core.errors import InputError, RegistrationError
from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration.base import MapReport
from napari_longiseg.registration.landmarks import LandmarkRegistration
from napari_longiseg.registration.transforms import Affine
from pairs.library import Library, Recipe
from pairs.pair import NOTHING, Marks, Pair

MATRIX = np.array([[1.0, 0.02, 0.0], [-0.02, 1.0, 0.0], [0.0, 0.0, 0.98]])
TURN = Affine.about([30.0, 30.0, 30.0], [34.0, 27.0, 31.0], MATRIX)


@dataclass(frozen=True, eq=False)
class KnownMap:
    transform: Affine
    near: Affine | None = None

    def __call__(self, points_mm):
        return self.transform(points_mm)

    def uncertainty_mm(self, points_mm):
        return np.where(np.atleast_2d(points_mm)[:, 0] < 30, 1.0, 4.0)

    def refined(self, point_mm):
        return KnownMap(self.near or self.transform)

    @property
    def report(self):
        return MapReport("Known.")


@dataclass(frozen=True)
class Known:
    """Right but for an error; the way back is right as well."""

    error_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    name: str = "known"

    def align(self, source, target, progress):
        if target.id == "source":
            return KnownMap(TURN.inverse)
        return KnownMap(Affine.shift(self.error_mm).after(TURN), TURN)


@dataclass(frozen=True)
class Raising:
    error: Exception
    name: str = "raising"

    def align(self, source, target, progress):
        raise self.error


@pytest.fixture
def pair():
    """A block of tissue in air, with two lesions; TURN carries it to the target."""
    grid = Grid((20, 20, 20), (3.0, 3.0, 3.0))
    image = np.full(grid.shape, -1000, np.int16)
    image[3:17, 3:17, 3:17] = 50
    points = np.random.default_rng(0).uniform(15, 45, (200, 3))
    centres = np.array([[24.0, 24.0, 24.0], [36.0, 36.0, 36.0]])
    target = Grid((26, 26, 26), (3.0, 3.0, 3.0), (-10.0, -10.0, -10.0))
    labels = np.zeros(target.shape, np.uint8)
    for label, centre in enumerate(TURN(centres), start=1):
        labels[target.nearest_voxel(centre)] = label
    return Pair(
        Scan("T0", image, grid),
        Scan("T1", np.zeros(target.shape, np.int16), target),
        Marks.of(centres, TURN(centres), ["lung", "liver"], [1, 2]),
        Marks.of(points, TURN(points)),
        labels,
        "block",
        "synthetic",
    )


def test_errors_are_those_of_the_map(pair):
    result = measure(Known((0.0, 3.0, 4.0)), pair)
    assert result["outcome"] == "aligned"
    assert result["lesions"]["lung"]["whole"] == [5.0]
    assert result["lesions"]["liver"]["refined"] == [0.0]
    assert result["inside"] == [True, True]
    assert set(result["body"]["body"]["whole"]) == {5.0}
    assert np.mean(result["inverse_mm"]) == pytest.approx(5.0, abs=0.1)
    assert result["folding"] == {"least": pytest.approx(0.98, abs=0.001), "share": 0.0}
    assert min(result["wall_s"], result["cpu_s"]) >= 0
    assert 20 < result["peak_mb"] < 20000


def test_a_map_that_folds_is_found_out(pair):
    mirrored = KnownMap(Affine.about([30.0] * 3, [30.0] * 3, np.diag([1.0, 1.0, -1.0])))
    assert folding(mirrored, pair) == {"least": -1.0, "share": 1.0}


def test_expected_errors_are_compared_with_true_ones(pair):
    result = measure(Known((0.0, 0.0, 2.0)), pair)
    high = pair.body.source_mm[:, 0] >= 30
    said = trust([result], "body")
    assert said.known == 1.0
    assert said.within == pytest.approx(high.mean())
    assert said.mean == pytest.approx(1 + 3 * high.mean())
    assert np.isnan(said.rank)  # all errors are equal


def test_a_refusal_is_a_result(pair):
    refused = measure(Raising(RegistrationError("Two patients.")), pair)
    assert refused == {"outcome": "refused", "message": "Two patients."}


def test_a_method_without_its_file_is_not_measured(pair):
    with pytest.raises(Unavailable, match="Give a file"):
        measure(Raising(InputError("Give a file.")), pair)


def test_landmarks_are_given_where_the_truth_is_known(pair):
    result = measure(LandmarkRegistration(), pair)
    assert 0.1 < errors([result], "body", "whole").mean < 2.0
    unknown = measure(LandmarkRegistration(), replace(pair, body=NOTHING))
    assert unknown["outcome"] == "skipped"


def test_an_altered_pair_is_compared_with_the_original(pair):
    points = pair.body.source_mm[:5]
    like = Comparison(points.tolist(), TURN(points).tolist())
    off = KnownMap(Affine.shift([0.0, 0.0, 1.0]).after(TURN))
    np.testing.assert_allclose(disagreement(off, pair, like), 1.0)
    back = replace(pair, source=pair.target, target=pair.source, swapped=True)
    np.testing.assert_allclose(disagreement(KnownMap(TURN.inverse), back, like), 0.0, atol=1e-9)


def test_clicks_do_not_count_as_errors_of_the_map():
    result = {"lesions": {"centre": {"whole": [1.0]}, "click": {"whole": [9.0]}}}
    assert errors([result], "lesions", "whole").mean == 1.0
    assert errors([result], "lesions", "whole", "click").mean == 9.0


def test_a_doubt_is_not_an_alignment():
    assert verdict({"outcome": "aligned", "doubt": "Look here."}) == "doubted"
    assert verdict({"outcome": "aligned", "doubt": ""}) == "aligned"


def result_of(block, **about):
    found = measure(Known(), block)
    common = {"method": "known", "pair": "block", "group": "synthetic", "held_out": True, "refuse": False}
    when = {"date": "2026-01-01", "machine": "a machine", "versions": "numpy 2"}
    return common | {"like": ""} | found | when | about


def test_results_are_kept_and_half_a_line_is_passed_over(pair, tmp_path):
    path = tmp_path / "results.jsonl"
    Results(path).add(result_of(pair))
    with path.open("a") as file:
        file.write('\n{"method": "kno')
    again = Results(path)
    again.add(result_of(pair, pair="other"))
    again.add({"method": "gone", "pair": "block", "outcome": UNAVAILABLE})
    again = Results(path)
    assert again.get("known", "block")["outcome"] == "aligned"
    assert again.get("known", "other")
    assert again.get("gone", "block") is None
    assert len(list(again)) == 3


def test_the_page_keeps_its_text_around_the_tables(pair, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"Before.\n\n{START}\nWhat was here.\n{STOP}\n\nAfter.\n")
    results = [result_of(pair), {"method": "gone", "outcome": UNAVAILABLE, "message": "No weights."}]
    write_docs([r | {"held_out": True, "group": "synthetic"} for r in results], page)
    text = page.read_text()
    assert text.startswith("Before.\n\n<!--")
    assert text.endswith("-->\n\nAfter.\n")
    assert "What was here" not in text
    assert "On: a machine." in text
    assert "| known | 1 of 1 | 2 |" in text
    assert "`gone`: No weights." in text


def test_a_page_without_its_marks_is_left_alone(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("Text.")
    with pytest.raises(SystemExit, match="needs the line"):
        write_docs([], page)
    assert page.read_text() == "Text."


def test_wrong_refusals_are_named(pair):
    kept = result_of(pair, group="refuse", pair="true one", outcome="refused")
    fooled = result_of(pair, group="refuse", pair="two patients", refuse=True)
    right = result_of(pair, group="refuse", pair="thirds", refuse=True, outcome="refused")
    table = next(tables([kept, fooled, right], "refuse"))
    assert table.rows == [
        ["known", "1 / 0 / 1", "1 / 0 / 0", "true one: refused; two patients: aligned"],
    ]


def test_a_child_measures_a_pair_of_the_cache(synthetic_cache):
    result = run(Job("identity", "synthetic 11", [], str(synthetic_cache), inverse=True))
    assert result["outcome"] == "aligned"
    assert result["body"]["body"]["whole"] == result["body"]["body"]["before"]


def test_a_method_that_is_not_there_is_named(synthetic_cache):
    result = run(Job("nonsense", "synthetic 11", [], str(synthetic_cache), inverse=True))
    assert result["outcome"] == UNAVAILABLE
    assert "no registration called 'nonsense'" in result["message"]


@pytest.fixture
def synthetic_cache(pair, tmp_path):
    """A cache whose first synthetic pair is the small one."""
    library = Library([Recipe("synthetic", "synthetic 11", lambda _: pair)], tmp_path)
    assert library["synthetic 11"].name == "synthetic 11"
    return tmp_path
