"""Alignment by landmarks: what is recovered, what is refused, and how well it knows its own error."""

from dataclasses import replace

import numpy as np
import pytest

from napari_longiseg.core.errors import InputError, RegistrationError
from napari_longiseg.core.geometry import Grid, as_point
from napari_longiseg.core.landmark import Landmark
from napari_longiseg.core.methods import REGISTRATIONS, create
from napari_longiseg.core.progress import silent
from napari_longiseg.core.scan import Scan, Study
from napari_longiseg.io.landmarks import write_landmarks
from napari_longiseg.registration.base import ReportingPointMap, StudyRegistration
from napari_longiseg.registration.cache import RegistrationCache
from napari_longiseg.registration.landmarks import LandmarkRegistration

TURN = np.array([[0.8, -0.6, 0.0], [0.48, 0.64, -0.6], [0.36, 0.48, 0.8]])  # 53 degrees
PLACES = np.array(
    [
        *([0.0, 0.0, 0.0], [60.0, 5.0, -8.0], [10.0, 70.0, 12.0], [-6.0, 15.0, 80.0]),
        *([70.0, 60.0, 50.0], [-50.0, -40.0, 30.0], [-20.0, 60.0, -70.0], [40.0, -60.0, -30.0]),
        *([15.0, 25.0, 35.0], [-45.0, 30.0, -25.0]),
    ]
)
ELSEWHERE = np.array([[20.0, 10.0, 15.0], [5.0, 40.0, -10.0], [30.0, -10.0, 30.0]])


def rigid(points):
    return points @ TURN.T + [300.0, -20.0, 45.0]


def affine(points):
    return points @ np.array([[1.1, 0.05, 0.0], [-0.1, 0.9, 0.2], [0.0, 0.02, 1.05]]).T + [-200.0, 9.0, 30.0]


def bent(points):
    waves = np.stack(
        [np.sin(points[:, 1] / 50), np.cos(points[:, 2] / 60), np.sin(points[:, 0] / 55)], axis=1
    )
    return affine(points) + 6.0 * waves


@pytest.fixture
def study():
    """Two scans of unlike spacing and origin: the voxels play no part."""
    grids = {
        "T0": Grid((40, 60, 70), (5.0, 3.0, 3.0), (-100.0, -90.0, -100.0)),
        "T1": Grid((200, 50, 50), (1.0, 4.0, 4.5), (-300.0, -90.0, -100.0)),
    }
    scans = tuple(Scan(name, np.zeros(grid.shape, np.int16), grid) for name, grid in grids.items())
    return Study("P", scans)


@pytest.fixture
def aligned(study):
    """The map of T0 to T1 by landmarks at *source*, which *goes* there."""

    def align(source, goes, **options):
        target = goes(source) if callable(goes) else goes
        landmarks = tuple(
            Landmark(scan, f"L{number}", as_point(point))
            for scan, points in (("T0", source), ("T1", target))
            for number, point in enumerate(points)
        )
        method = LandmarkRegistration(**options).for_study(replace(study, landmarks=landmarks))
        return method.align(*study.scans, silent)

    return align


class TestRigid:
    @pytest.mark.parametrize("count", [3, 4])
    def test_a_movement_is_recovered_exactly(self, aligned, count):
        found = aligned(PLACES[:count], rigid)
        np.testing.assert_allclose(found(ELSEWHERE), rigid(ELSEWHERE), atol=1e-9)
        np.testing.assert_allclose(found.transform.inverse(rigid(ELSEWHERE)), ELSEWHERE, atol=1e-9)
        assert "rigid movement: met to 0.0 mm" in found.report.summary
        assert ("so few say nothing of the error" in found.report.summary) == np.isnan(found.left_out_mm)
        assert found.report.doubt == ""

    def test_three_points_never_become_a_mirror_image(self, aligned):
        """Points of one plane are mirrored as easily as turned; both fit."""
        found = aligned(PLACES[:3], PLACES[:3] * [1, 1, -1])
        assert np.linalg.det(found.transform.matrix) == pytest.approx(1.0)

    def test_a_mirror_image_is_doubted(self, aligned):
        swapped = aligned(PLACES[:4], PLACES[:4] * [1, 1, -1])
        assert np.linalg.det(swapped.transform.matrix) == pytest.approx(1.0)
        assert "left and right may be swapped" in swapped.report.doubt
        spline = aligned(PLACES, PLACES * [1, 1, -1])
        assert "left and right may be swapped" in spline.report.doubt

    def test_the_best_of_landmarks_that_disagree(self, aligned):
        generator = np.random.default_rng(0)
        noisy = rigid(PLACES[:4]) + generator.normal(0, 1.5, (4, 3))
        found = aligned(PLACES[:4], noisy)

        def missed(matrix):
            centred = (PLACES[:4] - PLACES[:4].mean(axis=0)) @ matrix.T
            return np.linalg.norm(centred - (noisy - noisy.mean(axis=0)))

        best = found.transform.matrix
        for turn in np.linalg.qr(np.eye(3) + generator.normal(0, 0.01, (20, 3, 3)))[0]:
            turn = turn * np.sign(np.diagonal(turn))  # near the identity
            assert missed(turn @ best) >= missed(best)

    def test_points_on_a_line_are_refused(self, aligned):
        line = np.outer([0.0, 40.0, 90.0], [1.0, 0.2, 0.1]) + np.array([0.0, 0.5, 0.0])
        with pytest.raises(
            RegistrationError, match=r"T0 to T1: The landmarks lie on a line.*add one beside it"
        ):
            aligned(line, rigid)
        with pytest.raises(RegistrationError, match="lie on a line"):
            aligned(PLACES[:3], line)


class TestSpline:
    @pytest.mark.parametrize("precision_mm", [0.0, 1.0])
    def test_an_affine_map_is_recovered_exactly(self, aligned, precision_mm):
        found = aligned(PLACES[:6], affine, precision_mm=precision_mm)
        np.testing.assert_allclose(found(ELSEWHERE), affine(ELSEWHERE), atol=1e-6)
        assert "thin-plate spline" in found.report.summary

    def test_bends_are_met_exactly_and_followed_between(self, aligned):
        found = aligned(PLACES, bent, precision_mm=0.0)
        np.testing.assert_allclose(found(PLACES), bent(PLACES), atol=1e-3)
        bend = np.linalg.norm(bent(ELSEWHERE) - aligned(PLACES, bent, precision_mm=1e3)(ELSEWHERE), axis=1)
        assert np.linalg.norm(found(ELSEWHERE) - bent(ELSEWHERE), axis=1).mean() < 0.7 * bend.mean()

    def test_the_less_precise_the_landmarks_the_smoother(self, aligned):
        missed = [aligned(PLACES, bent, precision_mm=p).residual_mm.mean() for p in (0.0, 0.5, 1.0, 10.0)]
        assert (np.diff(missed) > 0).all()
        assert missed[0] < 1e-3

    def test_there_and_back(self, aligned):
        found = aligned(PLACES, bent)
        np.testing.assert_allclose(found.transform.inverse(found(ELSEWHERE)), ELSEWHERE, atol=1e-2)

    def test_far_away_it_goes_on_straight(self, aligned):
        found = aligned(PLACES, bent)
        bend, straight = found.transform.steps
        far = np.array([[5e3, 4e3, -6e3]])
        assert np.linalg.norm(bend(far) - far) < 1.0
        assert np.linalg.norm(straight.matrix - affine(np.eye(3)).T + affine(np.zeros((1, 3))).T) < 0.3

    def test_points_of_one_plane_move_rigidly(self, aligned):
        flat = PLACES * [0.02, 1.0, 1.0]
        found = aligned(flat, rigid)
        np.testing.assert_allclose(found(ELSEWHERE), rigid(ELSEWHERE), atol=1e-9)
        assert "no spline, for they lie nearly in one plane" in found.report.summary

    def test_one_point_out_of_the_plane_of_all_others(self, aligned):
        """Nothing is known about that one, and it must not spoil what is known about the rest."""
        hat = np.vstack([PLACES[:7] * [0.0, 1.0, 1.0], [[90.0, 0.0, 0.0]]])
        found = aligned(hat, bent(hat))
        assert np.isnan(found.fit.left_out_mm).tolist() == [False] * 7 + [True]
        assert np.isfinite(found.uncertainty_mm(ELSEWHERE)).all()

    def test_points_that_would_squeeze_space_flat_are_refused(self, aligned):
        generator = np.random.default_rng(3)
        source = generator.normal(0, 40, (12, 3))
        target = np.column_stack([source[:, :2], generator.normal(0, 40, 12)])
        plane = np.column_stack([np.ones(12), source])
        target[:, 2] -= plane @ np.linalg.lstsq(plane, target[:, 2], rcond=None)[0]
        with pytest.raises(RegistrationError, match="squeeze one scan flat; look for swapped names"):
            aligned(source, target, precision_mm=1e3)


class TestError:
    """What the map says about its own error."""

    def test_leaving_out_is_what_it_says(self, aligned):
        whole = aligned(PLACES, bent, precision_mm=0.0)
        for number in (0, 4, 9):
            rest = np.arange(len(PLACES)) != number
            missed = aligned(PLACES[rest], bent, precision_mm=0.0)(PLACES[[number]]) - bent(PLACES[[number]])
            assert whole.fit.left_out_mm[number] == pytest.approx(np.linalg.norm(missed), rel=1e-2)
        four = aligned(PLACES[:4], bent)
        rest = aligned(PLACES[1:4], bent)
        assert four.fit.left_out_mm[0] == pytest.approx(np.linalg.norm(rest(PLACES[:1]) - bent(PLACES[:1])))

    def test_it_grows_with_the_distance(self, aligned):
        steps = np.outer([0.0, 100.0, 200.0, 400.0], [0.6, -0.64, 0.48])
        for count in (4, 10):
            errors = aligned(PLACES[:count], bent).uncertainty_mm(PLACES[:count].mean(axis=0) + steps)
            assert (np.diff(errors) > 0).all()

    def test_few_landmarks_are_believed_less(self, aligned):
        shares = []
        for count in (5, 10):
            found = aligned(PLACES[:count], bent)
            shares.append(found.uncertainty_mm(ELSEWHERE) / found.fit.expected_mm(ELSEWHERE))
        assert (shares[0] > 1.4 * shares[1]).all()

    def test_three_landmarks_tell_nothing(self, aligned):
        found = aligned(PLACES[:3], rigid)
        assert np.isnan(found.uncertainty_mm(ELSEWHERE)).all()
        assert "left out" not in found.report.summary

    def test_exact_landmarks_are_believed_to_their_precision_only(self, aligned):
        for count in (4, 10):
            near = aligned(PLACES[:count], rigid, precision_mm=2.0).uncertainty_mm(ELSEWHERE)
            assert (near > 0.5).all()
            assert (near < 4.0).all()

    @pytest.mark.parametrize(("count", "goes"), [(4, rigid), (10, affine), (10, bent), (30, bent)])
    def test_nine_of_ten_stay_below(self, aligned, count, goes):
        """Landmarks that are placed 2 mm off; the truth is known."""
        generator = np.random.default_rng(count)
        below = []
        for _ in range(30):
            source = generator.uniform(-70, 70, (count, 3))
            points = generator.uniform(-60, 60, (20, 3))
            placed = goes(source) + generator.normal(0, 2 / np.sqrt(3), (count, 3))
            found = aligned(source, placed, precision_mm=2.0)
            missed = np.linalg.norm(found(points) - goes(points), axis=1)
            below.append(missed < found.uncertainty_mm(points))
        assert 0.85 < np.mean(below) < 0.99

    @pytest.mark.parametrize("count", [4, 5, 6, 10])
    def test_a_misplaced_landmark_is_named(self, aligned, count):
        target = affine(PLACES[:count]) if count > 5 else rigid(PLACES[:count])
        target[2] += [0.0, 60.0, 0.0]
        assert "Landmark 'L2' fits the others least" in aligned(PLACES[:count], target).report.doubt

    def test_landmarks_that_all_disagree_are_doubted(self, aligned):
        target = PLACES + np.random.default_rng(0).normal(0, 25, PLACES.shape)
        doubt = aligned(PLACES, target).report.doubt
        assert "do not move smoothly: even among them points may be " in doubt
        three = aligned(PLACES[:3], PLACES[:3] * 1.6)
        assert "seem to be 44 mm off; look at each of them again" in three.report.doubt


class TestMethod:
    LANDMARKS = tuple(
        Landmark(scan, f"L{number}", as_point(point + shift))
        for scan, shift in (("T0", 0.0), ("T1", [1.0, 2.0, 3.0]))
        for number, point in enumerate(PLACES[:3])
    )

    def test_it_is_installed_and_keeps_the_protocols(self, aligned):
        assert isinstance(create(REGISTRATIONS, "landmarks"), StudyRegistration)
        assert isinstance(aligned(PLACES, bent), ReportingPointMap)

    def test_the_file_wins_over_the_study(self, study, tmp_path):
        write_landmarks(tmp_path / "l.csv", self.LANDMARKS)
        method = LandmarkRegistration(file=str(tmp_path / "l.csv"))
        other = replace(study, landmarks=(Landmark("T0", "a", (0.0, 0.0, 0.0)),))
        assert method.for_study(other).landmarks == self.LANDMARKS
        for bound in (method, method.for_study(other)):
            found = bound.align(*study.scans, silent)
            np.testing.assert_allclose(
                found(ELSEWHERE) - ELSEWHERE, np.tile([1.0, 2.0, 3.0], (3, 1)), atol=1e-9
            )

    def test_the_file_must_fit_the_study(self, study, tmp_path):
        write_landmarks(tmp_path / "l.csv", [Landmark("T7", "a", (0.0, 0.0, 0.0))])
        with pytest.raises(InputError, match=r"l\.csv: line 2 is on scan 'T7', but the scans are T0, T1"):
            LandmarkRegistration(file=str(tmp_path / "l.csv")).for_study(study)

    def test_too_few(self, study):
        lone = (*self.LANDMARKS[:3], *self.LANDMARKS[4:])
        few = LandmarkRegistration().for_study(replace(study, landmarks=lone))
        with pytest.raises(
            RegistrationError, match="needs 3 of the same name on T0 and on T1, and found 'L1', 'L2'"
        ):
            few.align(*study.scans, silent)
        with pytest.raises(RegistrationError, match="and found none; add more to the table"):
            LandmarkRegistration().align(*study.scans, silent)

    def test_landmarks_outside_the_scan_count_with_a_note(self, study):
        moved = replace(self.LANDMARKS[1], point_mm=(60.0, 5.0, 900.0))
        landmarks = (self.LANDMARKS[0], moved, *self.LANDMARKS[2:])
        found = (
            LandmarkRegistration().for_study(replace(study, landmarks=landmarks)).align(*study.scans, silent)
        )
        assert "Outside their scan: 'L1' on T0, " in found.report.summary

    def test_the_cache_tells_landmarks_apart(self, study):
        cache, maps = RegistrationCache(), []
        for landmarks in (
            self.LANDMARKS,
            self.LANDMARKS,
            (*self.LANDMARKS[:5], replace(self.LANDMARKS[5], point_mm=(9.0, 70.0, 12.0))),
        ):
            method = LandmarkRegistration().for_study(replace(study, landmarks=landmarks))
            maps.append(cache.point_map(method, *study.scans, silent))
        assert maps[0] is maps[1]
        assert maps[0] is not maps[2]

    @pytest.mark.parametrize("precision_mm", [-1.0, float("nan"), float("inf")])
    def test_options(self, precision_mm):
        with pytest.raises(InputError, match="precision of landmarks must be 0 mm or more"):
            LandmarkRegistration(precision_mm=precision_mm)
