from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from napari_longiseg._qt.methods.method_box import MethodBox
from napari_longiseg._qt.methods.option_form import label_of, option_form, values_of
from napari_longiseg._qt.methods.options_box import FORM_HEIGHT, OptionsBox
from napari_longiseg.core import methods
from napari_longiseg.core.errors import MissingMethodError


@dataclass(frozen=True)
class Method:
    needed: int
    spacing_mm: float = 0.005
    negative: int = -5000
    fast: bool = False
    metric: Literal["a", "b"] = "b"
    odd: object = None


def test_a_form_has_a_field_per_option_with_its_default(qtbot):
    form = option_form(Method)
    assert form.asdict() == {"spacing_mm": 0.005, "negative": -5000, "fast": False, "metric": "b"}
    form["metric"].value = "a"
    assert Method(1, **form.asdict()).metric == "a"


def test_what_lies_on_the_disk_can_be_typed_and_looked_for(qtbot, tmp_path, monkeypatch):
    @dataclass(frozen=True)
    class Reads:
        file: methods.FileName = ""
        folder: methods.FolderName = "masks"

    form = option_form(Reads)
    qtbot.addWidget(form.native)
    assert values_of(form) == {"file": "", "folder": "masks"}
    form["file"].line_edit.value = "here/transform.tfm"
    assert values_of(form)["file"] == str(Path("here/transform.tfm"))
    monkeypatch.setattr(form["folder"], "_show_file_dialog", lambda mode, **_: tmp_path)
    form["folder"].choose_btn.native.click()
    assert values_of(form)["folder"] == str(tmp_path)


def test_only_some_options(qtbot):
    assert option_form(Method, only=("fast",)).asdict() == {"fast": False}


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("max_distance_mm", "Max distance (mm)"),
        ("voi_mm", "VOI (mm)"),
        ("low_hu", "Low (HU)"),
        ("mm", "Mm"),
        ("boosting", "Boosting"),
    ],
)
def test_labels(name, label):
    assert label_of(name) == label


def test_a_method_that_does_not_import_is_explained(qtbot, monkeypatch):
    def broken(group: str, name: str) -> type:
        msg = "region needs a package that is missing: torch."
        raise MissingMethodError(msg)

    monkeypatch.setattr("napari_longiseg._qt.methods.method_box.method_class", broken)
    box = MethodBox(methods.SEGMENTERS, "Segmenter", "region")
    qtbot.addWidget(box)
    assert box.choice().options == {}
    assert "package that is missing" in box._note.text()


def test_the_installed_methods_make_forms(qtbot):
    for group, name in ((methods.REGISTRATIONS, "deformable"), (methods.SEGMENTERS, "region")):
        box = MethodBox(group, "Method", name)
        qtbot.addWidget(box)
        choice = box.choice()
        assert choice.name == name
        methods.create(group, name, **choice.options)


def test_folded_options_take_no_place_and_unfolded_ones_little(qtbot):
    box = OptionsBox()
    qtbot.addWidget(box)
    folded = box.sizeHint().height()
    assert folded < FORM_HEIGHT / 2
    box.expand(animate=False)
    assert FORM_HEIGHT <= box.sizeHint().height() < FORM_HEIGHT + 80
    box.collapse(animate=False)
    assert box.sizeHint().height() == folded
