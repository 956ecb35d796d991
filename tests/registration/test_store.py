import logging
import os
import pickle
import time
import zipfile
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from napari_longiseg.core.errors import InputError
from napari_longiseg.registration import store as store_module
from napari_longiseg.registration.store import MapStore, cache_bytes

KILOBYTE = np.arange(256, dtype=np.float32)
OVERHEAD = 500
"""More than the headers of a file with one array take."""


def same(found, arrays):
    return (
        found is not None
        and found.keys() == arrays.keys()
        and all((found[k] == arrays[k]).all() for k in found)
    )


def used_at(store: MapStore, key: str, seconds_ago: float) -> None:
    """Pretend that a file was last used then."""
    then = time.time() - seconds_ago
    os.utime(store.folder / f"{key}.map.npz", (then, then))


@pytest.fixture
def store(tmp_path: Path) -> MapStore:
    """Room for three arrays of a kilobyte."""
    return MapStore(tmp_path / "maps", limit_bytes=3 * (1024 + OVERHEAD))


class TestKeeping:
    def test_what_was_written_is_read_by_another_store(self, store):
        arrays = {"a": np.arange(6.0).reshape(2, 3), "0.b": np.array(7, np.int16), "text": np.array("µm")}
        store.write("key", arrays)
        found = MapStore(store.folder).read("key")
        assert same(found, arrays)
        assert {name: array.dtype for name, array in found.items()} == {n: a.dtype for n, a in arrays.items()}
        assert store.read("another key") is None

    def test_the_last_one_written_counts(self, store):
        store.write("key", {"a": KILOBYTE})
        store.write("key", {"b": KILOBYTE + 1})
        assert same(store.read("key"), {"b": KILOBYTE + 1})

    def test_discarded(self, store):
        store.write("key", {"a": KILOBYTE})
        store.discard("key")
        store.discard("key")
        assert store.read("key") is None


class TestRoom:
    def test_the_least_recently_used_goes_first(self, store):
        for age, key in ((30, "old"), (20, "used"), (10, "young")):
            store.write(key, {"a": KILOBYTE})
            used_at(store, key, age)
        store.read("used")
        store.write("new", {"a": KILOBYTE})
        assert store.read("old") is None
        assert all(store.read(key) for key in ("used", "young", "new"))
        used_at(store, "young", 5)
        store.write("newer", {"a": KILOBYTE})
        assert store.read("young") is None
        assert all(store.read(key) for key in ("used", "new", "newer"))

    def test_never_more_than_the_limit(self, store):
        for number in range(12):
            store.write(str(number), {"a": np.resize(KILOBYTE, 64 * (number + 1))})
            assert sum(path.stat().st_size for path in store.folder.iterdir()) <= store.limit_bytes

    def test_what_is_too_large_by_itself_drives_nothing_out(self, store):
        store.write("small", {"a": KILOBYTE})
        store.write("large", {"a": np.resize(KILOBYTE, 4096)})
        assert store.read("large") is None
        assert same(store.read("small"), {"a": KILOBYTE})
        assert len(list(store.folder.iterdir())) == 1

    def test_other_files_in_the_folder_are_not_ours(self, store):
        store.folder.mkdir()
        theirs = store.folder / "mine.npz"
        np.savez(theirs, a=np.zeros(4096))
        store.write("key", {"a": KILOBYTE})
        assert theirs.exists()
        assert store.read("key") is not None

    def test_unfinished_files_of_dead_processes_are_removed(self, store):
        store.folder.mkdir()
        dead, working = store.folder / "tmp1.map.part", store.folder / "tmp2.map.part"
        for path, age in ((dead, 7200), (working, 60)):
            path.write_bytes(b"half")
            os.utime(path, (time.time() - age,) * 2)
        store.write("key", {"a": KILOBYTE})
        assert not dead.exists()
        assert working.exists()

    def test_no_room_at_all(self, tmp_path):
        nothing = MapStore(tmp_path / "maps", limit_bytes=0)
        nothing.write("key", {"a": KILOBYTE})
        assert nothing.read("key") is None
        assert not nothing.folder.exists()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:600])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def text(path: Path) -> None:
    path.write_text("This is no map.")


def bare_array(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, KILOBYTE)


def pickled(path: Path) -> None:
    """Reading it would create a folder."""
    with zipfile.ZipFile(path, "w") as archive, archive.open("a.npy", "w") as file:
        header = {"descr": "|O", "fortran_order": False, "shape": ()}
        np.lib.format.write_array_header_1_0(file, header)
        pickle.dump(Trap(path.parent / "trap"), file)


class Trap:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


class TestTrouble:
    @pytest.mark.parametrize("damage", [cut, emptied, flipped, text, bare_array, pickled])
    def test_a_damaged_file_is_absent_and_removed(self, store, damage):
        store.write("key", {"a": KILOBYTE})
        damage(store.folder / "key.map.npz")
        assert store.read("key") is None
        assert list(store.folder.iterdir()) == []
        store.write("key", {"a": KILOBYTE})
        assert same(store.read("key"), {"a": KILOBYTE})

    def test_a_full_disk_leaves_nothing_and_is_no_error(self, store, caplog):
        resource = pytest.importorskip("resource")
        store.write("before", {"a": KILOBYTE})
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))  # no file may grow beyond
        try:
            with caplog.at_level(logging.WARNING):
                store.write("key", {"a": np.resize(KILOBYTE, 1024)})
                store.write("key", {"a": np.resize(KILOBYTE, 1024)})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert [r.message.split(":")[0] for r in caplog.records] == [
            "Alignments are not kept for the next run"
        ]
        assert store.read("key") is None
        assert [path.name for path in store.folder.iterdir()] == ["before.map.npz"]

    def test_a_read_only_folder_is_read(self, store, monkeypatch):
        store.write("key", {"a": KILOBYTE})

        def refuse(*args, **kwargs):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(store_module, "mkstemp", refuse)
        monkeypatch.setattr(store_module.os, "utime", refuse)
        store.write("other", {"a": KILOBYTE})
        assert same(store.read("key"), {"a": KILOBYTE})
        assert store.read("other") is None

    def test_a_place_where_no_folder_can_be_is_no_error(self, tmp_path):
        (tmp_path / "file").write_text("not a folder")
        nowhere = MapStore(tmp_path / "file" / "maps")
        nowhere.write("key", {"a": KILOBYTE})
        nowhere.discard("key")
        assert nowhere.read("key") is None


def test_two_processes_share_a_folder(tmp_path):
    """Both write, read and drive out the same keys: what is read is whole, and no one hears of the other."""
    store = MapStore(tmp_path / "maps", limit_bytes=150_000)
    arrays = {key: {"a": np.full(10_000, number, np.float32)} for number, key in enumerate("abcdef")}
    with get_context("spawn").Pool(2) as pool:
        written, asked = [], []
        for key in [*arrays] * 40:
            written.append(pool.apply_async(store.write, (key, arrays[key])))
            asked.append((key, pool.apply_async(store.read, (key,))))
        assert [answer.get(60) for answer in written] == [None] * 240
        found = [(key, answer.get(60)) for key, answer in asked]
    read = [(key, content) for key, content in found if content is not None]
    assert all(same(content, arrays[key]) for key, content in read)
    assert read
    names = [path.name for path in store.folder.iterdir()]
    assert all(name.endswith(".map.npz") for name in names)
    assert 0 < sum(path.stat().st_size for path in store.folder.iterdir()) <= store.limit_bytes


class TestEnvironment:
    def test_the_folder(self, cache_folder, monkeypatch, tmp_path):
        assert MapStore().folder == cache_folder / "registrations"
        monkeypatch.delenv("LONGISEG_CACHE")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        assert "napari-longiseg" in store_module.cache_folder().parts
        monkeypatch.setenv("LONGISEG_CACHE", "~/somewhere")
        assert store_module.cache_folder() == Path.home() / "somewhere"

    def test_the_limit(self, monkeypatch):
        assert MapStore().limit_bytes == cache_bytes() == 2_000_000_000
        monkeypatch.setenv("LONGISEG_CACHE_GB", "0.5")
        assert MapStore().limit_bytes == 500_000_000

    @pytest.mark.parametrize("value", ["much", "-1", "nan", "inf"])
    def test_no_limit(self, monkeypatch, value):
        monkeypatch.setenv("LONGISEG_CACHE_GB", value)
        with pytest.raises(InputError, match=f"LONGISEG_CACHE_GB must be a number of gigabytes.*'{value}'"):
            MapStore().read("key")
