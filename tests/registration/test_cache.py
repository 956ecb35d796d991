import threading
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import ClassVar

import numpy as np
import pytest

from napari_longiseg.core.errors import Cancelled, RegistrationError
from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.progress import silent
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration.base import RestoringRegistration, StorablePointMap
from napari_longiseg.registration.cache import RegistrationCache, map_key
from napari_longiseg.registration.deformable import DeformableRegistration
from napari_longiseg.registration.store import MapStore

POINT, ELSEWHERE = (1.0, 2.0, 3.0), (4.0, 5.0, 6.0)
CALLS: list[tuple[object, ...]] = []
"""What the methods of this file were asked to compute."""


class ShiftMap:
    """Moves all points; refined, it moves them further."""

    def __init__(self, arrays):
        self.arrays = arrays

    def __call__(self, points_mm):
        return np.asarray(points_mm) + self.arrays["shift"] + self.arrays.get("more", 0.0)

    def uncertainty_mm(self, points_mm):
        return np.full(len(points_mm), 1.0)

    def refined(self, point_mm):
        CALLS.append(("refine", point_mm))
        return ShiftMap({**self.arrays, "more": np.array(point_mm)})

    def state(self):
        return self.arrays


@dataclass(frozen=True)
class Shift:
    """By a few millimetres; its maps have a large part that refined ones repeat."""

    shift_mm: float = 1.0
    device: str = "auto"

    name: ClassVar[str] = "shift"
    version: ClassVar[str] = "1"

    def align(self, source, target, progress):
        progress("Aligning", 0.5)
        CALLS.append(("align", source.id, target.id))
        return ShiftMap({"shift": np.full(3, self.shift_mm), "large": np.zeros(50_000)})

    def restore(self, state, source, target):
        assert isinstance(source, Scan)
        assert isinstance(target, Scan)
        state["shift"], state["large"]  # KeyError where it is no such state
        return ShiftMap(dict(state))


@dataclass(frozen=True)
class Forgetful:
    """Cannot restore what it has aligned."""

    name: ClassVar[str] = "forgetful"

    def align(self, source, target, progress):
        CALLS.append(("align", source.id, target.id))
        return ShiftMap({"shift": np.zeros(3)})


@pytest.fixture(autouse=True)
def calls():
    CALLS.clear()
    return CALLS


@pytest.fixture
def store(tmp_path) -> MapStore:
    return MapStore(tmp_path / "maps")


@pytest.fixture
def a() -> Scan:
    return Scan("A", np.arange(60, dtype=np.int16).reshape(3, 4, 5), Grid((3, 4, 5), (2.0, 1.0, 1.0)))


@pytest.fixture
def b() -> Scan:
    return Scan("B", np.zeros((3, 4, 5), np.int16), Grid((3, 4, 5), (2.0, 1.0, 1.0)))


def files(store: MapStore) -> list[int]:
    """Sizes of all that is kept."""
    return sorted(path.stat().st_size for path in store.folder.glob("*")) if store.folder.exists() else []


class TestInMemory:
    def test_each_ordered_pair_once(self, a, b, calls):
        cache = RegistrationCache()
        there = cache.point_map(Shift(), a, b, silent)
        assert cache.point_map(Shift(), replace(a, id="same voxels"), b, silent) is there
        assert cache.point_map(Shift(), b, a, silent) is not there
        assert calls == [("align", "A", "B"), ("align", "B", "A")]

    def test_each_place_once(self, a, b, calls):
        cache = RegistrationCache()
        near = cache.near(Shift(), a, b, POINT, silent)
        assert cache.near(Shift(), a, b, np.array(POINT), silent) is near
        cache.near(Shift(), a, b, ELSEWHERE, silent)
        assert calls == [("align", "A", "B"), ("refine", POINT), ("refine", ELSEWHERE)]
        np.testing.assert_array_equal(near([POINT]), [[3.0, 5.0, 7.0]])

    def test_a_map_that_cannot_be_refined_is_its_own_best(self, a, b):
        class Rigid(Forgetful):
            def align(self, source, target, progress):
                return lambda points: np.asarray(points)

        cache, method = RegistrationCache(), Rigid()
        assert cache.near(method, a, b, POINT, silent) is cache.point_map(method, a, b, silent)

    def test_the_one_unused_for_longest_goes_first(self, a, b, calls):
        cache = RegistrationCache(capacity=2)
        for shift in (1.0, 2.0, 1.0, 3.0, 1.0, 2.0):
            cache.point_map(Shift(shift), a, b, silent)
        assert len(calls) == 4

    def test_without_a_store_nothing_is_written(self, a, b, cache_folder):
        RegistrationCache().near(Shift(), a, b, POINT, silent)
        assert list(cache_folder.iterdir()) == []


class TestOnDisk:
    def test_the_next_run_computes_nothing(self, a, b, store, calls):
        first = RegistrationCache(store)
        whole, near = first.point_map(Shift(), a, b, silent), first.near(Shift(), a, b, POINT, silent)
        calls.clear()
        later = RegistrationCache(MapStore(store.folder))
        again, again_near = later.point_map(Shift(), a, b, silent), later.near(Shift(), a, b, POINT, silent)
        assert calls == []
        np.testing.assert_array_equal(again([POINT]), whole([POINT]))
        np.testing.assert_array_equal(again_near([POINT]), near([POINT]))
        later.near(Shift(), a, b, ELSEWHERE, silent)
        assert calls == [("refine", ELSEWHERE)]

    def test_says_where_a_map_came_from(self, a, b, store):
        for expected in (False, True):
            cache = RegistrationCache(store)
            assert not cache.came_from_disk(Shift(), a, b)
            cache.point_map(Shift(), a, b, silent)
            cache.point_map(Shift(), a, b, silent)
            assert cache.came_from_disk(Shift(), a, b) is expected

    def test_a_refined_map_takes_little_more(self, a, b, store):
        cache = RegistrationCache(store)
        cache.near(Shift(), a, b, POINT, silent)
        small, large = files(store)
        assert small < 2000 < 400_000 < large
        again = RegistrationCache(store).near(Shift(), a, b, POINT, silent)
        assert again.arrays["large"].shape == (50_000,)

    def test_methods_that_cannot_restore_stay_in_memory(self, a, b, store):
        assert not isinstance(Forgetful(), RestoringRegistration)
        RegistrationCache(store).near(Forgetful(), a, b, POINT, silent)
        assert files(store) == []

    def test_maps_that_cannot_be_written_stay_in_memory(self, a, b, store, calls):
        class Unwritable(ShiftMap):
            def state(self):
                raise TypeError("a transform of another kind")

        class WithObjects(ShiftMap):
            def state(self):
                return {"shift": np.array([None, "x"], dtype=object)}

        for kind in (Unwritable, WithObjects):

            @dataclass(frozen=True)
            class Odd(Shift):
                kind_of_map: ClassVar[type[ShiftMap]] = kind

                def align(self, source, target, progress):
                    return self.kind_of_map({"shift": np.zeros(3)})

            assert isinstance(Odd().align(a, b, silent), StorablePointMap)
            RegistrationCache(store).near(Odd(), a, b, POINT, silent)
        assert files(store) == []

    def test_a_method_known_by_its_address_only_stays_in_memory(self, a, b, store):
        class Plain:
            name, version = "plain", "1"
            align, restore = Shift.align, Shift.restore
            shift_mm = 1.0

        RegistrationCache(store).point_map(Plain(), a, b, silent)
        assert files(store) == []

    @pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half a file", None])
    def test_a_damaged_map_is_computed_anew(self, a, b, store, calls, content):
        RegistrationCache(store).near(Shift(), a, b, POINT, silent)
        for path in store.folder.iterdir():
            if content is None:
                np.savez(path, other=np.zeros(3))  # sound, but no map
            else:
                path.write_bytes(content)
        calls.clear()
        for _ in range(2):
            near = RegistrationCache(store).near(Shift(), a, b, POINT, silent)
            np.testing.assert_array_equal(near([POINT]), [[3.0, 5.0, 7.0]])
        assert calls == [("align", "A", "B"), ("refine", POINT)]

    def test_a_refinement_without_its_map_is_of_use_again_once_that_is_computed(self, a, b, store, calls):
        RegistrationCache(store).near(Shift(), a, b, POINT, silent)
        store.discard(map_key(Shift(), a, b))
        calls.clear()
        RegistrationCache(store).near(Shift(), a, b, POINT, silent)
        assert calls == [("align", "A", "B")]

    def test_a_refinement_belongs_to_one_map(self, a, b, store, calls):
        """A map computed anew elsewhere may differ by rounding: a refinement of the other would not fit."""
        RegistrationCache(store).near(Shift(), a, b, POINT, silent)
        store.discard(map_key(Shift(), a, b))

        @dataclass(frozen=True)
        class Rounded(Shift):
            def align(self, source, target, progress):
                return ShiftMap({"shift": np.full(3, 1.0 + 1e-9), "large": np.zeros(50_000)})

        Rounded.__qualname__ = Shift.__qualname__
        assert map_key(Rounded(), a, b) == map_key(Shift(), a, b)
        calls.clear()
        RegistrationCache(store).near(Rounded(), a, b, POINT, silent)
        assert calls == [("refine", POINT)]

    def test_a_disk_that_takes_nothing_fails_nothing(self, a, b, tmp_path):
        (tmp_path / "file").write_text("not a folder")
        cache = RegistrationCache(MapStore(tmp_path / "file" / "maps"))
        np.testing.assert_array_equal(cache.near(Shift(), a, b, POINT, silent)([POINT]), [[3.0, 5.0, 7.0]])


class TestKey:
    def test_the_same_for_the_same_content_in_every_process(self, a, b):
        key = map_key(DeformableRegistration(), a, b)
        assert key == map_key(DeformableRegistration(), replace(a, id="X"), replace(b, id="Y"))
        with get_context("spawn").Pool(1) as pool:
            copies = [Scan(s.id, s.image.copy(), s.grid) for s in (a, b)]
            assert pool.apply(map_key, (DeformableRegistration(), *copies)) == key

    def test_differs_with_any_voxel(self, a, b):
        keys = {map_key(Shift(), a, b)}
        for index in ((0, 0, 0), (1, 2, 3), (2, 3, 4)):
            for which in (0, 1):
                scans = [a, b]
                image = scans[which].image.copy()
                image[index] += 1
                scans[which] = replace(scans[which], image=image)
                keys.add(map_key(Shift(), *scans))
        assert len(keys) == 7

    @pytest.mark.parametrize(
        "change",
        [
            {"spacing_mm": (2.0, 1.0, 1.0001)},
            {"origin_mm": (0.0, 1e-6, 0.0)},
            {"shape": (3, 5, 4)},
        ],
    )
    def test_differs_with_the_grid(self, a, b, change):
        grid = replace(a.grid, **change)
        moved = Scan(a.id, a.image.reshape(grid.shape), grid)
        assert map_key(Shift(), moved, b) != map_key(Shift(), a, b)

    def test_differs_with_the_kind_of_number(self, a, b):
        unsigned = replace(a, image=a.image.view(np.uint16))
        assert map_key(Shift(), unsigned, b) != map_key(Shift(), a, b)

    def test_differs_with_direction_options_and_version(self, a, b, monkeypatch):
        keys = {map_key(Shift(), a, b), map_key(Shift(), b, a)}
        keys |= {map_key(method, a, b) for method in (Shift(2.0), Shift(device="cpu"), Forgetful())}
        monkeypatch.setattr(Shift, "version", "2")
        keys.add(map_key(Shift(), a, b))
        assert len(keys) == 6

    def test_another_version_computes_anew(self, a, b, store, calls, monkeypatch):
        RegistrationCache(store).point_map(Shift(), a, b, silent)
        monkeypatch.setattr(Shift, "version", "2")
        RegistrationCache(store).point_map(Shift(), a, b, silent)
        assert len(calls) == 2


class Pausing(Shift):
    """Waits in its first alignment until the test lets it go on."""

    reached, go_on = threading.Event(), threading.Event()

    def align(self, source, target, progress):
        first = not self.reached.is_set()
        self.reached.set()
        if first:
            assert self.go_on.wait(10)
        return super().align(source, target, progress)


@pytest.fixture
def pausing():
    Pausing.reached.clear()
    Pausing.go_on.clear()
    yield Pausing()
    Pausing.go_on.set()


def in_thread(call):
    """Run in a thread; what it gives or raises is found in the list once it is joined."""
    found = []

    def run():
        try:
            found.append(call())
        except Exception as error:
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, found


def cancelled(stage, fraction):
    raise Cancelled("Cancelled.")


class TestThreads:
    """Two threads ask for the same pair: in the panel, a cancelled job goes on for a while."""

    def test_compute_once(self, a, b, calls, pausing):
        cache, heard = RegistrationCache(), threading.Event()
        first, one = in_thread(lambda: cache.point_map(pausing, a, b, silent))
        assert pausing.reached.wait(10)
        second, two = in_thread(lambda: cache.point_map(pausing, a, b, lambda stage, _: heard.set()))
        assert heard.wait(10)  # it says that it waits
        pausing.go_on.set()
        first.join(10)
        second.join(10)
        assert calls == [("align", "A", "B")]
        assert one[0] is two[0]

    def test_where_the_first_is_cancelled_the_second_computes(self, a, b, calls, pausing):
        cache, heard = RegistrationCache(), threading.Event()
        first, one = in_thread(lambda: cache.point_map(pausing, a, b, cancelled))
        assert pausing.reached.wait(10)
        second, two = in_thread(lambda: cache.point_map(pausing, a, b, lambda stage, _: heard.set()))
        assert heard.wait(10)
        pausing.go_on.set()
        first.join(10)
        second.join(10)
        assert isinstance(one[0], Cancelled)
        assert isinstance(two[0], ShiftMap)
        assert calls == [("align", "A", "B")]

    def test_who_waits_can_be_cancelled(self, a, b, calls, pausing):
        cache = RegistrationCache()
        first, one = in_thread(lambda: cache.point_map(pausing, a, b, silent))
        assert pausing.reached.wait(10)
        with pytest.raises(Cancelled, match="Cancelled"):
            cache.point_map(pausing, a, b, cancelled)
        pausing.go_on.set()
        first.join(10)
        assert isinstance(one[0], ShiftMap)

    def test_other_pairs_do_not_wait(self, a, b, calls, pausing):
        cache = RegistrationCache()
        first, _ = in_thread(lambda: cache.point_map(pausing, a, b, silent))
        assert pausing.reached.wait(10)
        cache.point_map(pausing, b, a, silent)
        assert calls == [("align", "B", "A")]
        pausing.go_on.set()
        first.join(10)


def test_errors_of_a_method_pass_and_are_not_remembered(a, b, store, monkeypatch):
    def fail(self, source, target, progress):
        raise RegistrationError("A and B do not show the same part of one patient.")

    cache = RegistrationCache(store)
    with monkeypatch.context() as patched:
        patched.setattr(Shift, "align", fail)
        with pytest.raises(RegistrationError, match="do not show the same part"):
            cache.point_map(Shift(), a, b, silent)
    assert isinstance(cache.point_map(Shift(), a, b, silent), ShiftMap)


def test_a_real_map_is_the_same_after_a_restart(first, later, later_points, store):
    method = DeformableRegistration(device="cpu", iterations=1, refine_iterations=1)
    point, other = (tuple(p) for p in later_points[:2])

    def asked(cache):
        whole = cache.point_map(method, later, first, silent)
        near = cache.near(method, later, first, point, silent)
        return whole, [m(later_points) for m in (whole, near)], near.uncertainty_mm(later_points)

    cache = RegistrationCache(store)
    (whole, mapped, uncertainty), (again, mapped_again, uncertainty_again) = (
        asked(cache),
        asked(RegistrationCache(store)),
    )
    np.testing.assert_array_equal(mapped_again, mapped)
    np.testing.assert_array_equal(uncertainty_again, uncertainty)
    assert again.report == whole.report
    np.testing.assert_array_equal(again.refined(other)([other]), whole.refined(other)([other]))
