import json

import numpy as np
import pytest

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import as_point
from napari_longiseg.io.images import read_image
from napari_longiseg.io.points import from_xyz
from napari_longiseg.training.synth import write_study
from napari_longiseg.training.synthetic import write


def load(path):
    return json.loads(path.read_text())


def test_files_of_a_study(folder, check_study):
    names = sorted(p.name for p in folder.iterdir())
    scans = ["T0.nii.gz", "T1.nii.gz", "T2.nii.gz"]
    assert names == sorted([*scans, *(f"gt_{s}" for s in scans), "study.json", "truth.json"])
    check_study(folder)


def test_files_hold_what_was_made(folder, synthetic):
    for scan in synthetic.study.scans:
        image, grid = read_image(folder / f"{scan.id}.nii.gz")
        np.testing.assert_array_equal(image, scan.image)
        assert grid == scan.grid  # to the last bit


def test_truth_tells_centres_and_edges(folder, synthetic):
    _, truth = load(folder / "study.json"), load(folder / "truth.json")
    assert truth["seed"] == synthetic.options.seed
    assert truth["options"]["lesions"] == list(synthetic.options.lesions)
    for written, known in zip(truth["lesions"], synthetic.lesions, strict=True):
        assert (written["merged_into"], written["split_from"]) == (known.merged_into, known.split_from)
        for point, centre in zip(written["centres"], known.centres_mm, strict=True):
            np.testing.assert_allclose(as_point(from_xyz(point)), centre, atol=1e-3)


def test_same_study_same_files(tiny, tmp_path):
    a, b = write_study(tiny, tmp_path / "a"), write_study(tiny, tmp_path / "b")
    for path in a.iterdir():
        assert path.read_bytes() == (b / path.name).read_bytes()


def test_an_empty_folder_is_filled_and_nothing_else_left(tiny, tmp_path):
    (tmp_path / "new").mkdir()
    assert write_study(tiny, tmp_path / "new") == tmp_path / "new"
    assert [p.name for p in tmp_path.iterdir()] == ["new"]
    assert (tmp_path / "new" / "study.json").is_file()


def test_a_used_folder_is_refused_and_untouched(tiny, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="is not empty; choose another folder"):
        write_study(tiny, tmp_path)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("mine.txt", "mine")]


def test_a_file_in_the_way_is_named(tiny, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is not empty; choose another folder"):
        write_study(tiny, tmp_path / "file")
    with pytest.raises(InputError, match="cannot be made"):
        write_study(tiny, tmp_path / "file" / "below")


def test_nothing_half_written_is_left(tiny, tmp_path, monkeypatch):
    def fail(*args):
        raise InputError("no space")

    monkeypatch.setattr(write, "write_image", fail)
    with pytest.raises(InputError, match="no space"):
        write_study(tiny, tmp_path / "new")
    assert list(tmp_path.iterdir()) == []
