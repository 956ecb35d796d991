"""A session comes back as it was, and whatever breaks while it is saved, the one before is still there."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import zarr

from napari_longiseg.core.errors import Cancelled, InputError
from napari_longiseg.core.geometry import Box, Grid
from napari_longiseg.core.labels import label_volume
from napari_longiseg.core.landmark import Landmark
from napari_longiseg.core.lesion import (
    BoxPrompt,
    Click,
    Finding,
    Lesion,
    LesionMask,
    Origin,
    Presence,
    Review,
    SourceMask,
)
from napari_longiseg.core.measure import measure
from napari_longiseg.core.proposal import Proposal
from napari_longiseg.core.scan import Scan, Study
from napari_longiseg.core.state import State
from napari_longiseg.io import session_store
from napari_longiseg.io._session import arrays
from napari_longiseg.io.session_store import (
    is_session,
    read_history,
    read_session,
    read_state,
    read_title,
    write_session,
)

NEAR = (0.0, 0.0, 0.0)
TILTED = Grid((24, 60, 70), (2.0, 1.1, 1.0), (1 / 3, -2.5, 7.25), ((0.8, 0, 0.6), (0, -1, 0), (-0.6, 0, 0.8)))


def outlined(scan: Scan, lesion: int, mask: LesionMask, **kwargs: object) -> Finding:
    sizes = measure(mask.voxels, mask.grid(scan.grid), scan.image[mask.box.slices])
    return Finding(
        lesion,
        scan.id,
        Presence.PRESENT,
        Origin.SOURCE,
        "T0",
        mask=mask,
        measurements=sizes,
        point_mm=NEAR,
        **kwargs,
    )


@pytest.fixture
def known(study: Study, make_ball) -> tuple[Study, State]:
    """Every kind of thing that a session may hold; two outlines overlap on T0."""
    first, second, third = study.scans
    notes = ("Duplicates were dropped.",)
    third = replace(third, native=TILTED, path=Path("/far/T2.nii.gz"), notes=notes, date=None)
    study = replace(
        study,
        scans=(first, second, third),
        landmarks=(Landmark("T0", "carina", (1.5, 2.25, -3.125)), Landmark("T1", "carina", (0.1, 0.2, 0.3))),
    )
    near = LesionMask.of(make_ball(first.grid, NEAR, 6))
    beside = LesionMask.of(make_ball(first.grid, (2.0, 3.0, 5.0), 5))
    loose = LesionMask(Box((0, 0, 0), (9, 7, 5)), make_ball(Grid((9, 7, 5), (1, 1, 1)), (4, 3, 2), 2))
    box = BoxPrompt("T1", (-5.0, -6.0, -7.0), (5.0, 6.5, 7.1))
    lesions = (
        Lesion(1, "näher", (Click("T0", NEAR), Click("T1", (0.1, 0.2, 0.3), False)), None, (box,), "#ff8800"),
        Lesion(2, "", (), SourceMask("T0", beside)),
        Lesion(7),
    )
    found = (
        outlined(first, 1, near, review=Review.EDITED, confidence=0.875, segmenter="region"),
        outlined(first, 2, beside, split_from=1, uncertainty_mm=2.5, registration="rigid"),
        outlined(second, 2, loose, proposed_mm=(0.1, 0.2, 0.3), reason="Look twice."),
        Finding(1, "T1", Presence.NOT_FOUND, Origin.NEW, "T0", Review.ACCEPTED, merged_into=2),
    )
    place = Proposal(1, "T2", (0.3, 0.2, 0.1), "T0", 1.5, "rigid", "They hardly agree.", verified=True)
    state = State(
        {lesion.id: lesion for lesion in lesions},
        {(finding.lesion, finding.scan): finding for finding in found},
        {(1, "T2"): place},
    )
    return study.with_lesions(lesions), state


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "P01.longiseg.zarr"


@pytest.fixture
def saved(path: Path, known: tuple[Study, State]) -> Path:
    write_session(path, *known, ("Add lesion 1", "Accept lesion 1 on T0"))
    return path


def assert_same(one: object, other: object) -> None:
    """Equal in every field; masks voxel by voxel."""
    assert type(one) is type(other)
    if isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, tuple | list):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    elif isinstance(one, dict):
        assert set(one) == set(other)
        for key in one:
            assert_same(one[key], other[key])
    elif hasattr(one, "__dataclass_fields__"):
        for field in fields(one):
            assert_same(getattr(one, field.name), getattr(other, field.name))
    else:
        assert one == other


def chunk_files(path: Path) -> dict[Path, int]:
    return {file: file.stat().st_mtime_ns for file in path.glob("scans/*/0/c/**/*") if file.is_file()}


def root_of(path: Path) -> dict:
    return json.loads((path / "zarr.json").read_text(encoding="utf-8"))


def change(path: Path, **fields: object) -> None:
    content = root_of(path)
    content["attributes"]["longiseg"] |= fields
    (path / "zarr.json").write_text(json.dumps(content), encoding="utf-8")


class TestRoundTrip:
    def test_everything_comes_back_exactly(self, saved, known):
        assert_same(read_session(saved), known)
        assert read_history(saved) == ("Add lesion 1", "Accept lesion 1 on T0")
        study, state = known
        assert read_title(saved) == (study.patient, len(state.lesions))

    def test_reopened_and_saved_anew_nothing_has_changed(self, saved, known):
        before = root_of(saved), chunk_files(saved)
        write_session(saved, *read_session(saved), read_history(saved))
        assert (root_of(saved), chunk_files(saved)) == before

    def test_a_study_of_which_nothing_is_known(self, path, study):
        study = study.with_lesions(())
        write_session(path, study, State())
        assert_same(read_session(path), (study, State()))

    def test_scans_with_fractions_and_scans_that_are_the_same(self, path, study):
        scan = replace(study.scans[0], image=study.scans[0].image.astype(np.float32) + 0.5)
        study = Study("P", (scan, replace(scan, id="again", date=dt.date(2025, 1, 1))))
        write_session(path, study, State())
        assert_same(read_session(path)[0], study)

    def test_what_is_not_known_as_a_number_is_not_known(self, path, known):
        study, state = known
        place = replace(state.proposals[1, "T2"], uncertainty_mm=float("nan"))
        write_session(path, study, state.with_known(place))
        assert read_session(path)[1].proposals[1, "T2"].uncertainty_mm is None

    def test_numbers_of_other_kinds(self, path, known):
        study, state = known
        found = replace(state.findings[1, "T0"], confidence=np.float32(0.5))
        write_session(path, study, state.with_known(found))
        assert read_session(path)[1].findings[1, "T0"].confidence == 0.5


class TestForOtherTools:
    def test_scans_are_ome_zarr_images_in_mm(self, saved, known):
        root = zarr.open_group(saved, mode="r")
        first = known[0].scans[0]
        image = root[f"scans/{first.key}"]
        (scales,) = image.attrs["ome"]["multiscales"]
        assert image.attrs["ome"]["version"] == "0.5"
        assert [(axis["name"], axis["unit"]) for axis in scales["axes"]] == [(a, "millimeter") for a in "zyx"]
        placed = scales["datasets"][0]["coordinateTransformations"]
        assert placed[0] == {"type": "scale", "scale": [2.0, 1.0, 1.0]}
        assert placed[1] == {"type": "translation", "translation": [-24, -30, -32]}
        np.testing.assert_array_equal(image[scales["datasets"][0]["path"]][:], first.image)

    def test_findings_are_labels_with_names_and_colours(self, saved, known, monkeypatch):
        study, state = known
        monkeypatch.setattr(arrays, "CHUNK", (10, 20, 30))  # outlines lie in several chunks
        write_session(saved.with_name("chunks.zarr"), study, state)
        for scan in study.scans:
            labels = zarr.open_group(saved.with_name("chunks.zarr"), mode="r")[f"scans/{scan.key}/labels"]
            assert labels.attrs["ome"]["labels"] == ["lesions"]
            found = [finding for key, finding in state.findings.items() if key[1] == scan.id]
            np.testing.assert_array_equal(labels["lesions/0"][:], label_volume(found, scan.grid))
        about = labels["lesions"].attrs["ome"]["image-label"]
        assert {"label-value": 1, "name": "näher"} in about["properties"]
        assert about["colors"] == [{"label-value": 1, "rgba": [255, 136, 0, 255]}]

    def test_points_are_written_x_y_z(self, saved):
        session = root_of(saved)["attributes"]["longiseg"]
        assert session["landmarks"][0]["point_mm"] == [-3.125, 2.25, 1.5]
        native = session["scans"][2]["native"]
        assert (native["shape"], native["spacing_mm"]) == ([70, 60, 24], [1.0, 1.1, 2.0])
        assert native["direction"] == [[0.8, 0.0, -0.6], [0.0, -1.0, 0.0], [0.6, 0.0, 0.8]]


class TestSavingAgain:
    def test_images_are_written_once_and_old_masks_go(self, saved, known):
        study, state = known
        before = chunk_files(saved)
        write_session(saved, study, state.without_lesion(2))
        assert chunk_files(saved) == before
        assert len([p for p in (saved / "masks").iterdir() if p.is_dir()]) == 1

    def test_labels_that_show_the_same_are_left(self, saved, known):
        study, state = known
        first, second, third = (saved / "scans" / scan.key / "labels/lesions" for scan in study.scans)
        before = [folder.stat().st_ino for folder in (first, second, third)]
        write_session(saved, study, state.without_known((2, "T1")))
        after = [folder.stat().st_ino for folder in (first, second, third)]
        assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True]
        write_session(saved, study, state.with_lesion(replace(state.lesions[1], name="liver")))
        about = zarr.open_group(third, mode="r").attrs["ome"]["image-label"]
        assert {"label-value": 1, "name": "liver"} in about["properties"]

    def test_a_scan_that_left_the_study_leaves_the_session(self, saved, known):
        study, state = known
        write_session(saved, replace(study, scans=study.scans[:2]), replace(state, proposals={}))
        assert len(list((saved / "scans").glob("*/0"))) == 2
        assert [scan.id for scan in read_session(saved)[0].scans] == ["T0", "T1"]

    @pytest.mark.parametrize("fails", ["write_image", "write_labels", "write_bytes", "write_group"])
    def test_a_crash_leaves_the_session_as_it_was(self, saved, known, make_scan, grid, monkeypatch, fails):
        study, state = known
        extended = replace(study, scans=(*study.scans, make_scan("T3", grid, [])))
        later = state.without_lesion(2)

        write_group = session_store.write_group

        def crash(folder: Path, *args: object) -> None:
            if fails == "write_group" and folder != saved:
                write_group(folder, *args)
                return
            folder.mkdir(exist_ok=True)  # something has been written already
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(session_store, fails, crash)
            with pytest.raises(KeyboardInterrupt):
                write_session(saved, extended, later)
        assert_same(read_session(saved), known)
        write_session(saved, extended, later)
        assert_same(read_session(saved)[1], later)
        assert not list(saved.glob("**/.*.part"))

    def test_what_a_program_that_was_killed_has_left_goes(self, saved, known):
        (saved / "scans" / ".abc.1234.part").mkdir()
        (saved / ".zarr.1234.part").touch()
        old, young = saved / "masks" / "01d", saved / "masks" / "02e"
        for folder in (old, young):
            folder.mkdir()
        os.utime(old, (0, 0))
        write_session(saved, *known)
        assert not list(saved.glob("**/.*.part"))
        assert not old.exists()
        assert young.exists()  # another program may be about to name it

    def test_a_first_save_that_broke_is_gone_on_with(self, path, known):
        def cancel(stage: str, fraction: float) -> None:
            if stage == "Saving T1":
                raise Cancelled

        with pytest.raises(Cancelled):
            write_session(path, *known, progress=cancel)
        with pytest.raises(InputError, match="is damaged or unfinished"):
            read_session(path)
        write_session(path, *known)
        assert_same(read_session(path), known)


class TestRefused:
    def test_a_place_where_something_else_is(self, tmp_path, known):
        (tmp_path / "file").write_text("x", encoding="utf-8")
        for place in (tmp_path, tmp_path / "file"):
            with pytest.raises(InputError, match="something else than a session; choose another name"):
                write_session(place, *known)

    def test_a_full_disk(self, path, known, monkeypatch):
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(session_store, "write_image", full)
        with pytest.raises(InputError, match=r"cannot be saved in .*: No space left on device"):
            write_session(path, *known)

    def test_what_is_no_session(self, tmp_path):
        with pytest.raises(InputError, match=r"There is no session .*nothing"):
            read_session(tmp_path / "nothing")
        with pytest.raises(InputError, match="is no session"):
            read_session(tmp_path)
        zarr.open_group(tmp_path / "other.zarr", mode="w")
        with pytest.raises(InputError, match="is no session"):
            read_session(tmp_path / "other.zarr")

    def test_another_version(self, saved):
        change(saved, schema="longiseg-session/2")
        with pytest.raises(
            InputError, match=r"another version \(longiseg-session/2, .*update napari-longiseg"
        ):
            read_session(saved)

    def test_a_root_that_is_cut_short(self, saved):
        text = (saved / "zarr.json").read_text(encoding="utf-8")
        (saved / "zarr.json").write_text(text[: len(text) // 2], encoding="utf-8")
        with pytest.raises(InputError, match="is damaged or unfinished"):
            read_session(saved)

    def test_a_field_that_is_wrong(self, saved):
        change(saved, patient=3)
        with pytest.raises(InputError, match=r"is damaged: patient in its zarr.json is wrong; open a copy"):
            read_session(saved)

    def test_a_file_cannot_choose_what_is_removed(self, saved, known, tmp_path):
        (tmp_path / "precious").mkdir()
        change(saved, masks="../../precious")
        with pytest.raises(InputError, match=r"masks in its zarr\.json is wrong"):
            read_session(saved)
        scans = root_of(saved)["attributes"]["longiseg"]["scans"]
        change(saved, scans=[scans[0] | {"image": "../../precious"}])
        write_session(saved, *known)
        assert (tmp_path / "precious").is_dir()

    def test_parts_that_do_not_fit_together(self, saved):
        change(saved, lesions=[])
        with pytest.raises(InputError, match="is damaged: it speaks of 1, which it does not have"):
            read_session(saved)

    @pytest.mark.parametrize("loss", ["removed", "cut", "changed"])
    def test_voxels_that_are_missing_or_damaged(self, saved, known, loss):
        chunk = next(file for file in chunk_files(saved))
        if loss == "removed":
            chunk.unlink()
        elif loss == "cut":
            chunk.write_bytes(chunk.read_bytes()[:100])
        else:
            shutil.copy(next(f for f in reversed(chunk_files(saved)) if f.parts != chunk.parts), chunk)
        with pytest.raises(InputError, match=r"is damaged: (voxels of )?scan T\d (are|cannot)"):
            read_session(saved)

    def test_masks_that_are_missing_or_changed(self, saved):
        masks = saved / "masks" / root_of(saved)["attributes"]["longiseg"]["masks"]
        array = zarr.open_array(masks, mode="r+")
        array[3] = 255 - array[3]
        with pytest.raises(InputError, match="is damaged: its outlines have changed"):
            read_session(saved)
        shutil.rmtree(masks)
        with pytest.raises(InputError, match="is damaged: its outlines cannot be read"):
            read_session(saved)


def test_sessions_are_told_by_their_name_or_their_content(saved, tmp_path):
    assert is_session(saved)
    assert is_session(saved.rename(tmp_path / "renamed"))
    assert not is_session(tmp_path)
    assert not is_session(tmp_path / "nothing.longiseg.zarr")
    (tmp_path / "unfinished.longiseg.zarr").mkdir()
    assert is_session(tmp_path / "unfinished.longiseg.zarr")


def test_the_state_alone_is_for_the_very_scans(tmp_path, study):
    path = tmp_path / "one.longiseg.zarr"
    state = State({lesion.id: lesion for lesion in study.lesions})
    write_session(path, study, state)
    assert read_state(path, study).lesions == state.lesions
    with pytest.raises(InputError, match="other scans"):
        read_state(path, replace(study, scans=study.scans[:2]))
