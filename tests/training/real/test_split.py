"""Patients are set aside once; a training that goes on uses the same ones, or refuses."""

import json

import pytest

from napari_longiseg.core.errors import InputError
from napari_longiseg.training.real.pairs import LesionOnScan, LesionPair, ScanFile
from napari_longiseg.training.real.split import kept_split, make_split

PATIENTS = [f"P{number:02d}" for number in range(20)]


def ids(members):
    return [member.id for member in members]


def test_a_fifth_of_the_patients_is_set_aside():
    split = make_split(PATIENTS * 2, 0.2, seed=0)
    assert (len(split.training), len(split.validation)) == (16, 4)
    assert split.patients == PATIENTS
    assert make_split(reversed(PATIENTS), 0.2, seed=0) == split
    assert make_split(PATIENTS, 0.2, seed=1) != split


@pytest.mark.parametrize("fraction", [0.01, 0.99])
def test_each_side_has_one_at_least(fraction):
    split = make_split(["a", "b"], fraction, seed=0)
    assert (len(split.training), len(split.validation)) == (1, 1)


def test_all_lesions_of_a_patient_go_the_same_way(tmp_path):
    pairs = [
        LesionPair(patient, lesion, None, LesionOnScan(ScanFile("T0", tmp_path), None, lesion))
        for lesion in (1, 2, 3)
        for patient in PATIENTS
    ]
    split = make_split(PATIENTS, 0.2, seed=0)
    training, validation = split.divide(pairs)
    assert {pair.patient for pair in validation} == set(ids(split.validation))
    assert {pair.patient for pair in training} == set(ids(split.training))
    assert (len(training), len(validation)) == (48, 12)


class TestKept:
    def test_it_is_stored_by_index_and_id(self, tmp_path):
        path = tmp_path / "run" / "split.json"
        split = kept_split(path, PATIENTS, 0.2, seed=3)
        content = json.loads(path.read_text())
        assert content["schema"] == "longiseg-split/1"
        assert (content["seed"], content["fraction"]) == (3, 0.2)
        assert all(member["id"] == PATIENTS[member["index"]] for member in content["validation"])
        assert ids(split.validation) == [member["id"] for member in content["validation"]]

    def test_it_counts_whatever_is_asked_for_later(self, tmp_path):
        path = tmp_path / "split.json"
        first = kept_split(path, PATIENTS, 0.2, seed=0)
        assert kept_split(path, PATIENTS, 0.5, seed=9) == first

    def test_other_data_are_refused(self, tmp_path):
        path = tmp_path / "split.json"
        kept_split(path, PATIENTS, 0.2, seed=0)
        with pytest.raises(InputError, match=r"made for other data \(patients P20, P21 new; P00 gone\)"):
            kept_split(path, [*PATIENTS[1:], "P20", "P21"], 0.2, seed=0)

    def test_another_file_is_no_split(self, tmp_path):
        path = tmp_path / "split.json"
        path.write_text("{}")
        with pytest.raises(InputError, match=r"split\.json is not the split of a training"):
            kept_split(path, PATIENTS, 0.2, seed=0)


@pytest.mark.parametrize(
    ("patients", "fraction", "message"),
    [
        ([], 0.2, "There is no patient; training and validation need one each"),
        (["a"], 0.2, "There is only patient a;"),
        (["a", "b"], 0.0, "must be more than 0 and less than 1, not 0.0"),
        (["a", "b"], 1.0, "must be more than 0 and less than 1, not 1.0"),
    ],
)
def test_what_cannot_be_split(patients, fraction, message):
    with pytest.raises(InputError, match=message):
        make_split(patients, fraction, seed=0)
