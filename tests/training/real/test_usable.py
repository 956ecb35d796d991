"""Before a training every file is looked at; what cannot be used is left out, with the reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_longiseg.core.errors import Cancelled, InputError, StorageError
from napari_longiseg.io.images import read_image, write_image
from napari_longiseg.training.real.longitudinal import LongitudinalOptions, longitudinal_pairs
from napari_longiseg.training.real.pairs import Found
from napari_longiseg.training.real.store import ScanStore
from napari_longiseg.training.real.usable import usable_pairs

P = "c6f057b865"


def changed(folder, name, old, new):
    """Replace a label in a mask."""
    labels, grid = read_image(folder / name)
    write_image(folder / name, np.where(labels == old, new, labels), grid)


def test_every_lesion_has_its_click(add_patient, store):
    found = usable_pairs(longitudinal_pairs(add_patient()), store)
    assert found.skipped == ()
    assert [pair.lesion for pair in found.pairs] == [1, 2, 3, 4, 5]
    for pair in found.pairs:
        for side in (pair.baseline, pair.followup):
            if side is None:
                continue
            lesion = store.lesion(side.scan, side.mask, side.label)
            assert side.present is (lesion is not None)
            assert side.click_mm == (lesion.point_mm if lesion else side.place_mm)


def test_in_threads_it_is_the_same(add_patient, tmp_path, store):
    pairs = longitudinal_pairs(add_patient())
    assert usable_pairs(pairs, ScanStore(tmp_path / "other"), threads=2) == usable_pairs(pairs, store)


def test_clicks_that_were_propagated_are_kept(add_patient, store):
    listed = longitudinal_pairs(add_patient(), LongitudinalOptions(propagated=True))
    found = usable_pairs(listed, store)
    assert found.pairs[0].followup.click_mm == listed.pairs[0].followup.click_mm


class TestReasons:
    def test_a_label_that_is_missing(self, add_patient, store):
        folder = add_patient()
        changed(folder, f"targetsTr/{P}_FU_mask_00.nii.gz", 9, 0)
        found = usable_pairs(longitudinal_pairs(folder), store)
        assert [pair.lesion for pair in found.pairs] == [1, 2, 3]
        (sentence,) = found.skipped
        assert sentence.startswith(f"Patient {P}, lesions 4, 5: ")
        assert sentence.endswith("FU_mask_00.nii.gz has no label 9, though the lesion is said to be there.")

    def test_a_label_that_should_not_be_there(self, add_patient, store):
        folder = add_patient()
        changed(folder, f"targetsTr/{P}_FU_mask_00.nii.gz", 3, 2)
        found = usable_pairs(longitudinal_pairs(folder), store)
        assert [pair.lesion for pair in found.pairs] == [1, 4, 5]
        assert "has the label 2, though the lesion is said not to be there" in found.skipped[0]

    def test_points_that_do_not_fit_the_masks(self, add_patient, store):
        table = (add_patient() / "inputsTr" / f"{P}.csv").read_text()
        folder = add_patient(table=table.replace("20 20 8", "44 20 8"))
        found = usable_pairs(longitudinal_pairs(folder), store)
        assert found.skipped[0].startswith(
            f"Patient {P}, lesion 1: its centre is said to lie 14 mm off its label"
        )

    def test_a_place_outside_of_the_scan(self, add_patient, store):
        table = (add_patient() / "inputsTr" / f"{P}.csv").read_text()
        folder = add_patient(table=table.replace("15 44 12", "15 44 90"))
        found = usable_pairs(longitudinal_pairs(folder), store)
        assert found.skipped[0].startswith(f"Patient {P}, lesion 2: its place lies outside of ")

    def test_a_damaged_scan_costs_its_patient(self, add_patient, store):
        add_patient("bad")
        folder = add_patient()
        damaged = folder / "inputsTr" / "bad_BL_img_00.nii.gz"
        damaged.write_bytes(damaged.read_bytes()[:-50])
        found = usable_pairs(longitudinal_pairs(folder), store)
        assert [(pair.patient, pair.lesion) for pair in found.pairs if pair.baseline] == [
            (P, 1), (P, 2), (P, 4), (P, 5),
        ]  # fmt: skip
        (sentence,) = found.skipped
        assert sentence.startswith(f"Patient bad, lesions 1, 2, 4, 5: {damaged} is damaged")

    def test_a_lesion_that_is_gone_without_a_place(self, add_patient, store):
        listed = longitudinal_pairs(add_patient())
        gone = listed.pairs[1]
        nowhere = replace(gone, followup=replace(gone.followup, place_mm=None))
        found = usable_pairs(Found((listed.pairs[0], nowhere)), store)
        assert found.pairs[0].lesion == 1
        assert found.skipped[0].endswith("FU_img_00.nii.gz, and nothing says where it would be.")

    def test_nothing_is_left(self, add_patient, store):
        folder = add_patient()
        for name in (f"inputsTr/{P}_BL_mask_00.nii.gz", f"targetsTr/{P}_FU_mask_00.nii.gz"):
            (folder / name).write_bytes(b"no mask")
        with pytest.raises(
            InputError, match=rf"There is no lesion to train on. Patient {P}, lesions .* damaged"
        ):
            usable_pairs(longitudinal_pairs(folder), store)

    def test_a_full_disk_is_no_reason_to_leave_out_lesions(self, add_patient, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(StorageError, match="Scans cannot be unpacked"):
            usable_pairs(longitudinal_pairs(add_patient()), ScanStore(tmp_path / "file"))


def test_a_pair_without_its_lesion_on_the_baseline_is_none(add_patient, store):
    pair = longitudinal_pairs(add_patient()).pairs[1]
    back = replace(pair, baseline=replace(pair.followup, present=None), followup=pair.baseline)
    with pytest.raises(InputError, match="There is no lesion to train on"):
        usable_pairs(Found((back,)), store)


def test_it_can_be_cancelled(add_patient, store):
    def progress(stage, fraction):
        raise Cancelled(stage)

    with pytest.raises(Cancelled, match="Unpacking scans"):
        usable_pairs(longitudinal_pairs(add_patient()), store, progress=progress)
