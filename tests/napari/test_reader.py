from __future__ import annotations

import json

import numpy as np
import pytest
from napari.components import ViewerModel

from napari.layers import Layer
from napari_longiseg._napari import reader
from napari_longiseg._napari.layers.adopt import loaded_study
from napari_longiseg._napari.layers.scans import study_layers
from napari_longiseg._napari.layers.windows import WINDOWS, window_name
from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.scan import Scan, Study


def single(name: str, date=None) -> Study:
    scan = Scan(name, np.zeros((4, 5, 6), np.int16), Grid((4, 5, 6), (1.0, 1.0, 1.0)), date=date)
    return Study(name, (scan,))


def load(viewer: ViewerModel, study: Study) -> None:
    for data, options, kind in study_layers(study):
        viewer.add_layer(Layer.create(data, options, kind))


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.nrrd", "a.mha", "a.mhd", "STUDY.NII.GZ"])
def test_images_are_ours(tmp_path, name):
    assert reader.get_reader(str(tmp_path / name)) is reader.read_studies
    assert reader.get_reader([str(tmp_path / name)]) is reader.read_studies


@pytest.mark.parametrize(
    ("name", "content", "ours"),
    [
        ("mine.json", {"schema": "longiseg-study/1"}, True),
        ("other.json", {"schema": "something else"}, False),
        ("list.json", [1, 2], False),
    ],
)
def test_a_manifest_is_known_by_its_schema(tmp_path, name, content, ours):
    (tmp_path / name).write_text(json.dumps(content))
    assert (reader.get_reader(str(tmp_path / name)) is not None) == ours


def test_a_broken_study_json_is_ours_to_complain_about(tmp_path):
    (tmp_path / "study.json").write_text("{")
    (tmp_path / "other.json").write_text("{")
    assert reader.get_reader(str(tmp_path / "study.json")) is not None
    assert reader.get_reader(str(tmp_path / "other.json")) is None


def test_folders(tmp_path):
    assert reader.get_reader(str(tmp_path)) is None
    (tmp_path / "0001").write_bytes(bytes(128) + b"DICM")
    assert reader.get_reader(str(tmp_path)) is reader.read_studies


def test_layers_of_a_study(monkeypatch, study):
    monkeypatch.setattr(reader, "load_in_thread", lambda path: study)
    layers = reader.read_studies("study.json")
    assert [options["name"] for _, options, _ in layers] == ["T0", "T1", "T2"]
    for (data, options, kind), scan in zip(layers, study.scans, strict=True):
        assert data is scan.image
        assert kind == "image"
        assert options["units"] == ("mm",) * 3
        assert options["scale"] == scan.grid.spacing_mm
        assert options["translate"] == scan.grid.origin_mm


def test_a_loaded_study_is_found_again_with_its_lesions(study):
    viewer = ViewerModel()
    load(viewer, study)
    assert loaded_study(viewer.layers) is study
    viewer.layers.pop()
    assert loaded_study(viewer.layers) is None


def test_scans_opened_one_by_one_make_one_study(study):
    viewer = ViewerModel()
    viewer.add_image(np.zeros((3, 3, 3)))
    assert loaded_study(viewer.layers) is None
    later, earlier = study.scans[1], study.scans[0]
    for scan in (later, earlier):
        load(viewer, Study(scan.id, (scan,)))
    assert [scan.id for scan in loaded_study(viewer.layers).scans] == ["T0", "T1"]


def test_scans_without_dates_keep_the_order_of_opening():
    viewer = ViewerModel()
    load(viewer, single("b"))
    load(viewer, single("a"))
    assert [scan.id for scan in loaded_study(viewer.layers).scans] == ["b", "a"]


def test_the_window_suits_the_content():
    def scan(hu: int) -> Scan:
        return Scan("s", np.full((8, 8, 8), hu, np.int16), Grid((8, 8, 8), (1.0, 1.0, 1.0)))

    assert window_name([scan(-800), scan(-750)]) == "Lung"
    assert window_name([scan(40), scan(-1000)]) == "Soft tissue"
    assert set(WINDOWS) >= {"Lung", "Soft tissue"}


def test_the_sample_is_missing(monkeypatch, tmp_path):
    monkeypatch.setattr("napari_longiseg.io.sample.FOLDERS", (tmp_path,))
    with pytest.raises(InputError, match="sample study is missing"):
        reader.open_sample()
