"""Which pairs come from studies of one's own."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_longiseg.core.errors import InputError
from napari_longiseg.io.images import write_image
from napari_longiseg.training.real.studies import study_pairs
from napari_longiseg.training.real.usable import usable_pairs


@pytest.fixture
def folder(study, make_ball, tmp_path):
    """The study of three dates as files; lesion 2 is gone at T2, where a click says where it was."""
    folder = tmp_path / "P01"
    folder.mkdir()
    radii = {"T0": (6, 5), "T1": (8, 4), "T2": (9, 0)}
    for scan in study.scans:
        labels = np.zeros(scan.grid.shape, np.uint8)
        for lesion, radius in zip(study.lesions, radii[scan.id], strict=True):
            if radius:
                labels[make_ball(scan.grid, lesion.clicks[0].point_mm, radius)] = lesion.id
        write_image(folder / f"{scan.id}.nii.gz", scan.image, scan.grid)
        write_image(folder / f"gt_{scan.id}.nii.gz", labels, scan.grid)
    manifest = {
        "schema": "longiseg-study/1",
        "patient": "P01",
        "scans": [
            {"id": s.id, "image": f"{s.id}.nii.gz", "date": s.date.isoformat()} for s in reversed(study.scans)
        ],
        "lesions": [
            {"id": 1, "clicks": [{"scan": "T0", "point": [0, 0, 0]}]},
            {
                "id": 2,
                "clicks": [{"scan": "T0", "point": [-20, 20, 10]}, {"scan": "T2", "point": [-20, 20, 10]}],
            },
        ],
    }
    (folder / "study.json").write_text(json.dumps(manifest))
    return folder


def dates(found, lesion):
    return [(p.baseline.scan.id, p.followup.scan.id) for p in found.pairs if p.lesion == lesion]


FORWARD = [("T0", "T1"), ("T0", "T2"), ("T1", "T2")]


def test_every_two_dates_are_a_pair_both_ways(folder):
    found = study_pairs([folder])
    assert sorted(dates(found, 1)) == sorted(FORWARD + [(b, a) for a, b in FORWARD])


def test_only_forward_in_time(folder):
    assert dates(study_pairs([folder / "study.json"], forward_only=True), 1) == FORWARD


def test_a_lesion_that_is_gone_is_looked_for_where_it_was_clicked(folder, store):
    found = usable_pairs(study_pairs([folder]), store)
    assert sorted(dates(found, 2)) == [("T0", "T1"), ("T0", "T2"), ("T1", "T0"), ("T1", "T2")]
    gone = [p.followup for p in found.pairs if p.lesion == 2 and p.followup.scan.id == "T2"]
    assert [(side.present, side.click_mm) for side in gone] == [(False, (10.0, 20.0, -20.0))] * 2
    assert found.skipped == ()


def test_without_such_a_click_there_is_no_case(folder, store):
    manifest = json.loads((folder / "study.json").read_text())
    manifest["lesions"][1]["clicks"].pop()
    (folder / "study.json").write_text(json.dumps(manifest))
    found = usable_pairs(study_pairs([folder]), store)
    assert sorted(dates(found, 2)) == [("T0", "T1"), ("T1", "T0")]
    assert found.skipped == (
        f"Patient P01, lesion 2: it is not on {folder / 'T2.nii.gz'}, and nothing says where it would be.",
    )


def test_scans_without_outlines_are_left_out(folder):
    (folder / "gt_T1.nii.gz").unlink()
    assert sorted(dates(study_pairs([folder]), 1)) == [("T0", "T2"), ("T2", "T0")]
    (folder / "gt_T2.nii.gz").unlink()
    found = study_pairs([folder])
    assert [(p.baseline, p.followup.scan.id) for p in found.pairs] == [(None, "T0"), (None, "T0")]


class TestBadStudies:
    def test_one_among_many_is_skipped(self, folder, tmp_path):
        found = study_pairs([folder, tmp_path / "P02"])
        assert {pair.patient for pair in found.pairs} == {"P01"}
        assert found.skipped[0].startswith(f"Study {tmp_path / 'P02'}: ")

    def test_without_outlines(self, folder):
        for file in folder.glob("gt_*"):
            file.unlink()
        with pytest.raises(
            InputError, match=r"No study can be used. .*no outlines; those of T0 .* gt_T0\.nii"
        ):
            study_pairs([folder])

    def test_without_lesions(self, folder):
        manifest = json.loads((folder / "study.json").read_text())
        (folder / "study.json").write_text(json.dumps(manifest | {"lesions": []}))
        with pytest.raises(InputError, match="it names no lesions; list them with their ids"):
            study_pairs([folder])

    def test_none(self):
        with pytest.raises(InputError, match=r"No study can be used\. Name the manifests"):
            study_pairs([])
