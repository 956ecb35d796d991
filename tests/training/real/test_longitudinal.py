"""Which pairs come from Longitudinal-CT, and where their points lie."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_longiseg.core.errors import InputError
from napari_longiseg.io.images import read_grid
from napari_longiseg.training.real.longitudinal import LongitudinalOptions, longitudinal_pairs
from napari_longiseg.training.real.pairs import pairs_for

P = "c6f057b865"


def summary(found):
    """Lesion, label on the baseline, label on the follow-up, whether it is there."""
    return [
        (p.lesion, p.baseline and p.baseline.label, p.followup.label, p.followup.present) for p in found.pairs
    ]


def test_every_line_of_the_table_is_a_pair(add_patient):
    found = longitudinal_pairs(add_patient())
    assert found.skipped == ()
    assert summary(found) == [
        (1, 1, 1, True), (2, 2, 2, False), (3, None, 3, True), (4, 4, 9, True), (5, 5, 9, True),
    ]  # fmt: skip
    assert {pair.patient for pair in found.pairs} == {P}


def test_longinet_needs_a_baseline_and_single_scans_count_once(add_patient):
    pairs = longitudinal_pairs(add_patient()).pairs
    assert [pair.lesion for pair in pairs_for("longinet", pairs)] == [1, 2, 4, 5]
    single = pairs_for("uls", pairs)
    assert all(pair.baseline is None for pair in single)
    seen = [(p.followup.scan.id, p.followup.label, p.followup.present) for p in single]
    assert seen == [
        ("BL_00", 1, True), ("FU_00", 1, True), ("BL_00", 2, True), ("FU_00", 2, False), ("FU_00", 3, True),
        ("BL_00", 4, True), ("FU_00", 9, True), ("BL_00", 5, True),
    ]  # fmt: skip


def test_a_lesion_that_is_gone_is_looked_for_where_it_was_propagated_to(add_patient):
    folder = add_patient()
    gone = longitudinal_pairs(folder).pairs[1].followup
    grid = read_grid(folder / "inputsTr" / f"{P}_FU_img_00.nii.gz")
    np.testing.assert_allclose(gone.place_mm, grid.to_mm((12, 44, 15)))


def test_clicks_are_in_the_lesion_or_where_they_were_propagated_to(add_patient):
    folder = add_patient()
    assert longitudinal_pairs(folder).pairs[0].followup.click_mm is None
    grid = read_grid(folder / "inputsTr" / f"{P}_FU_img_00.nii.gz")
    clicked = longitudinal_pairs(folder, LongitudinalOptions(propagated=True)).pairs[0].followup
    np.testing.assert_allclose(clicked.click_mm, grid.to_mm((9, 30, 33)))


class TestOptions:
    def test_an_unclear_link_leaves_two_single_lesions(self, add_patient):
        table = (add_patient() / "inputsTr" / f"{P}.csv").read_text()
        line = table.splitlines()[1]
        folder = add_patient(table=table.replace(line, line.replace("True,False", "True,True")))
        assert summary(longitudinal_pairs(folder))[:2] == [(1, None, 1, True), (1, None, 1, True)]
        assert summary(longitudinal_pairs(folder, LongitudinalOptions(unclear=True)))[0] == (1, 1, 1, True)

    def test_only_what_was_part_of_the_challenge(self, add_patient):
        found = longitudinal_pairs(add_patient(), LongitudinalOptions(challenge_only=True))
        assert [pair.lesion for pair in found.pairs] == [1, 2, 4, 5]

    def test_both_ways(self, add_patient):
        found = longitudinal_pairs(add_patient(), LongitudinalOptions(both_ways=True))
        back = [p for p in found.pairs if p.baseline and p.baseline.scan.id == "FU_00"]
        assert [(p.lesion, p.followup.scan.id, p.followup.present) for p in back] == [
            (1, "BL_00", True),
            (3, "BL_00", False),
        ]
        grid = read_grid(back[1].followup.scan.path)
        np.testing.assert_allclose(back[1].followup.place_mm, grid.to_mm((20, 30, 20)))

    def test_some_patients(self, add_patient):
        add_patient("other")
        found = longitudinal_pairs(add_patient(), LongitudinalOptions(patients=("other",)))
        assert {pair.patient for pair in found.pairs} == {"other"}
        with pytest.raises(InputError, match=r"Patient third of .* cannot be used: there are no files of it"):
            longitudinal_pairs(add_patient(), LongitudinalOptions(patients=("third",)))


class TestWhatIsMissing:
    def test_a_bad_patient_is_reported(self, add_patient):
        add_patient("bad", "lesion_id\n1\n")
        (sentence,) = longitudinal_pairs(add_patient()).skipped
        assert sentence.startswith("Patient bad: ")
        assert "bad.csv has no column cog_bl" in sentence

    def test_without_the_follow_up_s_mask_the_baseline_is_left(self, add_patient):
        folder = add_patient()
        (folder / "targetsTr" / f"{P}_FU_mask_00.nii.gz").unlink()
        found = longitudinal_pairs(folder)
        assert summary(found) == [
            (1, None, 1, True),
            (2, 2, 2, False),
            (4, None, 4, True),
            (5, None, 5, True),
        ]
        assert found.skipped == (f"Patient {P}, lesions 1, 3, 4, 5: there is no file {P}_FU_mask_00.",)

    def test_without_a_place_on_the_follow_up_the_baseline_is_left(self, add_patient):
        folder = add_patient()
        table = (folder / "inputsTr" / f"{P}.csv").read_text().replace("15 44 12", "")
        found = longitudinal_pairs(add_patient(table=table))
        assert summary(found)[1] == (2, None, 2, True)
        assert found.skipped == (
            f"Patient {P}, lesion 2: it disappears, and nothing says where it would be on the follow-up.",
        )

    def test_a_damaged_header(self, add_patient):
        folder = add_patient()
        (folder / "inputsTr" / f"{P}_FU_img_00.nii.gz").write_bytes(b"no image")
        found = longitudinal_pairs(folder)
        assert {pair.followup.scan.id for pair in found.pairs} == {"BL_00"}
        assert "FU_img_00.nii.gz cannot be read; it is damaged" in found.skipped[0]


def test_clicks_alone_leave_it_to_the_mask_what_became_of_a_lesion(add_patient):
    folder = add_patient(table=None)
    for date, points in (("BL", {"1": [20, 20, 8], "2": [44, 40, 14]}), ("FU", {"1": [33, 30, 9]})):
        content = {"points": [{"name": name, "point": point} for name, point in points.items()]}
        (folder / "inputsTr" / f"{P}_{date}_00.json").write_text(json.dumps(content))
    assert summary(longitudinal_pairs(folder)) == [(1, 1, 1, None), (2, None, 2, None)]


def test_parts_of_a_split_lesion_share_its_baseline(add_patient):
    table = (
        "lesion_id,cog_bl,img_id_bl,cog_propagated,cog_fu,img_id_fu,topology_class,split_from\n"
        "1,20 20 8,0,32 30 9,32 30 9,0,SPLITTING,1\n"
        "3,20 20 8,0,20 40 20,20 40 20,0,SPLITTING,1\n"
    )
    assert summary(longitudinal_pairs(add_patient(table=table))) == [(1, 1, 1, True), (3, 1, 3, True)]
