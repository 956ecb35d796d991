"""The folder of Longitudinal-CT: what is listed, where its points lie, and what a bad file costs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from napari_longiseg.core.errors import InputError
from napari_longiseg.io.images import read_grid
from napari_longiseg.io.longitudinal_ct import Topology, list_longitudinal_ct
from napari_longiseg.io.scans import load_scan

HEADER = (
    "lesion_id,cog_bl,cog_backpropagated,img_id_bl,cog_propagated,cog_fu,img_id_fu,lesion_type,"
    "topology_class,merged_into,volume_bl,volume_fu,target_lesion,use_for_challenge,linking_unclear\n"
)
TABLE = HEADER + (
    "1,3 4 2,,0,3.5 4 2,4 4 2,0,Lung,UNCHANGED,,120.0,80.5,True,True,False\n"
    "2,1 1 1,,0,1 1 1.25,,0,Liver,DISAPPEARING,,60,0,False,True,True\n"
    "3,,5 2 1,0,,5 2 2,0,Lymph node,NEWLYAPPEARING,,,30,False,False,False\n"
    "4,2 5 3,,1,2 5 3,2 4 3,0,Lung,MERGING,7.0,20,90,False,True,False\n"
)
PLAIN = "{patient}_{date}_{kind}_{region:02d}.nii.gz"
REPEATED = "{patient}_{date}_{kind}_{date}_img_{region:02d}.nii.gz"


@pytest.fixture
def dataset(tmp_path, write_sitk):
    """Write a patient's files; returns the folder of the whole data set."""
    folder = tmp_path / "Longitudinal-CT"

    def write(
        patient: str = "c6f057b865", table: str | None = TABLE, names: str = PLAIN, regions: int = 2
    ) -> Path:
        for name in ("inputsTr", "targetsTr"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for date, kind, region in [
            (d, k, r) for d in ("BL", "FU") for k in ("img", "mask") for r in range(regions)
        ]:
            place = folder / ("targetsTr" if (date, kind) == ("FU", "mask") else "inputsTr")
            name = names.format(patient=patient, date=date, kind=kind, region=region)
            write_sitk(place / name, np.zeros((5, 6, 7), np.int16))
        if table is not None:
            (folder / "inputsTr" / f"{patient}.csv").write_text(table)
        return folder

    return write


def write_clicks(path: Path, points: dict[str, tuple[float, float, float]]) -> None:
    content = {
        "name": "Points of interest",
        "type": "Multiple points",
        "points": [{"name": name, "point": list(point)} for name, point in points.items()],
        "version": {"major": 1, "minor": 0},
    }
    path.write_text(json.dumps(content))


@pytest.mark.parametrize("names", [PLAIN, REPEATED])
def test_files_are_found_by_both_ways_of_naming_them(dataset, names):
    folder = dataset(names=names)
    (patient,) = list_longitudinal_ct(folder).patients
    assert patient.id == "c6f057b865"
    assert sorted(patient.baseline) == sorted(patient.followup) == [0, 1]
    for regions, date, masks in ((patient.baseline, "BL", "inputsTr"), (patient.followup, "FU", "targetsTr")):
        for number, region in regions.items():
            parts = {"patient": patient.id, "date": date, "region": number}
            assert region.image == folder / "inputsTr" / names.format(kind="img", **parts)
            assert region.mask == folder / masks / names.format(kind="mask", **parts)


def test_the_table_says_what_becomes_of_each_lesion(dataset):
    listing = list_longitudinal_ct(dataset())
    assert listing.skipped == {}
    same, gone, new, merged = listing.patients[0].lesions
    assert (same.topology, same.label_baseline, same.label_followup) == (Topology.UNCHANGED, 1, 1)
    assert (same.volume_baseline_ml, same.volume_followup_ml) == (0.12, 0.0805)
    assert (same.site, same.target, same.challenge, same.unclear) == ("Lung", True, True, False)
    assert (gone.topology, gone.label_baseline, gone.label_followup) == (Topology.DISAPPEARING, 2, None)
    assert gone.unclear
    assert (new.topology, new.label_baseline, new.label_followup) == (Topology.NEWLY_APPEARING, None, 3)
    assert not new.challenge
    assert (merged.topology, merged.label_baseline, merged.label_followup) == (Topology.MERGING, 4, 7)
    assert (merged.region_baseline, merged.region_followup) == (1, 0)


def test_points_are_voxels_in_the_order_of_the_array(dataset):
    (patient,) = list_longitudinal_ct(dataset()).patients
    same, gone, new, _ = patient.lesions
    assert same.centre_baseline == (2.0, 4.0, 3.0)
    assert same.propagated == (2.0, 4.0, 3.5)
    assert gone.propagated == (1.25, 1.0, 1.0)
    assert gone.centre_followup is None
    assert new.backpropagated == (1.0, 2.0, 5.0)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("senses", [(1, 1, 1), (-1, -1, 1), (-1, 1, -1)])
def test_in_any_orientation_a_point_is_the_same_voxel_of_the_loaded_scan(tmp_path, write_sitk, order, senses):
    path = tmp_path / "scan.nii.gz"
    values = np.arange(5 * 6 * 7, dtype=np.int16).reshape(5, 6, 7)
    write_sitk(path, values, direction=np.eye(3)[:, list(order)] * np.array(senses))
    k, j, i = 3, 1, 5
    scan = load_scan(path, scan_id="FU_00")
    point_mm = read_grid(path).to_mm((k, j, i))
    assert scan.image[scan.grid.nearest_voxel(point_mm)] == values[k, j, i]
    np.testing.assert_allclose(scan.grid.to_index(point_mm), scan.grid.nearest_voxel(point_mm), atol=1e-4)


def test_an_oblique_file_has_its_points_where_it_lies(tmp_path, write_sitk):
    sitk = pytest.importorskip("SimpleITK")
    c, s = np.cos(0.2), np.sin(0.2)
    path = tmp_path / "scan.nii.gz"
    write_sitk(path, np.zeros((5, 6, 7), np.int16), direction=np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]))
    there = sitk.ReadImage(str(path)).TransformContinuousIndexToPhysicalPoint((5.25, 1.0, 3.5))
    np.testing.assert_allclose(read_grid(path).to_mm((3.5, 1.0, 5.25)), there[::-1], atol=1e-4)


class TestClicks:
    """Where there is no table, as in the files that an algorithm of the challenge is given."""

    @pytest.fixture
    def folder(self, dataset):
        folder = dataset(table=None)
        write_clicks(folder / "inputsTr" / "c6f057b865_BL_00.json", {"1": (3, 4, 2), "Lesion 2": (1, 1, 1)})
        write_clicks(folder / "inputsTr" / "c6f057b865_FU_01.json", {"1": (3.5, 4, 2), "5": (2, 2, 2)})
        return folder

    def test_lesions_are_those_that_were_clicked(self, folder):
        (patient,) = list_longitudinal_ct(folder).patients
        both, before, after = patient.lesions
        assert [lesion.id for lesion in patient.lesions] == [1, 2, 5]
        assert both.topology is None
        assert (both.region_baseline, both.region_followup) == (0, 1)
        assert (both.centre_baseline, both.propagated) == ((2.0, 4.0, 3.0), (2.0, 4.0, 3.5))
        assert before.region_followup is None
        assert after.region_baseline is None

    def test_the_table_goes_first(self, folder):
        (folder / "inputsTr" / "c6f057b865.csv").write_text(TABLE)
        assert len(list_longitudinal_ct(folder).patients[0].lesions) == 4

    @pytest.mark.parametrize("content", ["[]", "{", '{"points": [{"name": "one", "point": [1, 2, 3]}]}',
        '{"points": [{"name": "1", "point": [1, 2]}]}', '{"points": [{"name": "1", "point": [1, 2, NaN]}]}',
    ])  # fmt: skip
    def test_another_file_is_no_list_of_points(self, folder, content):
        (folder / "inputsTr" / "c6f057b865_BL_00.json").write_text(content)
        with pytest.raises(InputError, match=r"c6f057b865: .*_BL_00\.json is not a list of points"):
            list_longitudinal_ct(folder)


class TestBadFiles:
    def test_one_bad_patient_among_many_is_skipped_with_the_reason(self, dataset):
        dataset("good1")
        folder = dataset("bad", TABLE.replace("3 4 2", "3 4"))
        dataset("good2")
        listing = list_longitudinal_ct(folder)
        assert [patient.id for patient in listing.patients] == ["good1", "good2"]
        table = folder / "inputsTr" / "bad.csv"
        assert listing.skipped == {"bad": f"{table}: line 2: cog_bl must be three numbers, x y z, not '3 4'."}

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("\n1,", "\n0,", "line 2: lesion_id must be 1 or more"),
            ("\n1,", "\n1.5,", "line 2: lesion_id must be a whole number"),
            ("UNCHANGED", "GROWING", "line 2: topology_class must be one of UNCHANGED, .*, not 'GROWING'"),
            ("120.0", "large", "line 2: volume_bl must be a number"),
            ("True,True,False", "True,True,maybe", "line 2: linking_unclear must be True or False"),
            ("cog_fu", "centre", r"bad\.csv has no column cog_fu; is it a table"),
        ],
    )
    def test_what_cannot_be_understood(self, dataset, old, new, message):
        with pytest.raises(InputError, match=message):
            list_longitudinal_ct(dataset("bad", TABLE.replace(old, new, 1)))

    def test_a_table_that_is_no_text(self, dataset):
        folder = dataset()
        (folder / "inputsTr" / "c6f057b865.csv").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(InputError, match=r"c6f057b865\.csv is not a table"):
            list_longitudinal_ct(folder)

    def test_images_without_table_and_clicks(self, dataset):
        with pytest.raises(InputError, match=r"patient c6f057b865: .*BL_img_00.nii.gz, but neither a table"):
            list_longitudinal_ct(dataset(table=None))

    def test_a_table_without_images(self, dataset):
        with pytest.raises(InputError, match=r"patient c6f057b865: there is c6f057b865\.csv, but no image"):
            list_longitudinal_ct(dataset(regions=0))

    def test_a_missing_mask_costs_no_patient(self, dataset):
        folder = dataset()
        (folder / "targetsTr" / PLAIN.format(patient="c6f057b865", date="FU", kind="mask", region=1)).unlink()
        (patient,) = list_longitudinal_ct(folder).patients
        assert patient.followup[1].mask is None
        assert patient.followup[1].image is not None

    def test_another_folder(self, tmp_path):
        with pytest.raises(InputError, match="name the one that holds inputsTr and targetsTr"):
            list_longitudinal_ct(tmp_path)
        (tmp_path / "inputsTr").mkdir()
        with pytest.raises(InputError, match="inputsTr holds no files of patients"):
            list_longitudinal_ct(tmp_path)


def test_parts_of_a_lesion_that_splits_have_its_label_on_the_baseline(dataset):
    table = (
        "lesion_id,cog_bl,img_id_bl,cog_propagated,cog_fu,img_id_fu,topology_class,split_from\n"
        "8,1 1 1,0,1 1 1,1 2 1,0,SPLITTING,2\n"
    )
    (lesion,) = list_longitudinal_ct(dataset(table=table)).patients[0].lesions
    assert (lesion.label_baseline, lesion.label_followup) == (2, 8)
