from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from napari.utils.color import ColorValue

import napari.layers
from napari_longiseg._napari.layers.colours import lesion_rgba
from napari_longiseg._napari.layers.headings import DATE_COLOURS
from napari_longiseg._napari.layers.scans import study_layers
from napari_longiseg._napari.layers.windows import WINDOWS
from napari_longiseg._napari.view.bridge import LayerBridge
from napari_longiseg.core.lesion import Click, Review
from napari_longiseg.core.state import State

CENTRE = (0.0, 0.0, 0.0)


def names(viewer) -> list[str]:
    return [layer.name for layer in viewer.layers]


def test_scans_stand_side_by_side_in_mm(shown, viewer, study):
    assert viewer.canvas.grid.enabled
    assert viewer.canvas.grid.shape == (1, 3)
    for column, scan in enumerate(study.scans):
        inside = [viewer.layers[i] for i in viewer.canvas.grid.contents_at((0, column), viewer.layers)]
        assert [type(layer).__name__ for layer in inside] == ["Image", "Labels", "Points", "Vectors"]
        for layer in inside:
            np.testing.assert_allclose(layer.scale, scan.grid.spacing_mm)
            np.testing.assert_allclose(layer.translate, scan.grid.origin_mm)
            assert {str(unit) for unit in layer.units} == {"millimeter"}
        assert inside[0].name_overlay.visible
        assert scan.id in inside[0].name
        assert scan.date.isoformat() in inside[0].name
        assert inside[1].data.dtype == np.uint16


def test_images_of_the_reader_are_taken_up(viewer, bridge, session, study):
    for data, options, kind in study_layers(study):
        viewer.add_layer(napari.layers.Layer.create(data, options, kind))
    before = list(viewer.layers)
    session.open(study)
    assert len(viewer.layers) == 12
    assert [cell.image for cell in bridge.cells] == before


def test_a_finding_is_painted_in_place_in_its_own_voxels(shown, session, study, make_finding):
    cell = shown.cells[1]
    data = cell.labels.data
    finding = make_finding(study, 2, "T1", CENTRE)
    session.set_known(finding)
    assert cell.labels.data is data
    np.testing.assert_array_equal(data == 2, finding.mask.on(study.scan("T1").grid.shape))
    assert not shown.cells[0].labels.data.any()


def test_a_new_finding_takes_the_place_of_the_old_one(shown, session, study, make_finding):
    session.set_known(make_finding(study, 1, "T1", CENTRE, half=4))
    smaller = make_finding(study, 1, "T1", (6.0, 0.0, 0.0), half=1)
    session.set_known(smaller)
    np.testing.assert_array_equal(
        shown.cells[1].labels.data == 1, smaller.mask.on(study.scan("T1").grid.shape)
    )


def test_removing_a_lesion_uncovers_the_one_beneath(shown, session, study, make_finding):
    under = make_finding(study, 2, "T1", (0.0, 2.0, 0.0))
    session.set_known(under)
    session.set_known(make_finding(study, 1, "T1", CENTRE))
    session.remove_lesion(1)
    np.testing.assert_array_equal(
        shown.cells[1].labels.data, 2 * under.mask.on(study.scan("T1").grid.shape).astype(np.uint16)
    )


def test_a_lesion_has_one_colour_everywhere(shown):
    for cell in shown.cells:
        for lesion in (1, 2, 10, 11):
            np.testing.assert_allclose(cell.labels.get_color(lesion), lesion_rgba(lesion), atol=1e-6)
    assert len({lesion_rgba(i) for i in range(1, 11)}) == 10


def test_clicks_are_shown_on_their_scan(shown, session, study):
    session.add_click(2, Click("T1", (3.0, 1.0, 2.0), positive=False))
    at_t0, at_t1, at_t2 = (cell.clicks for cell in shown.cells)
    assert len(at_t0.data) == 2
    assert len(at_t2.data) == 0
    np.testing.assert_allclose(at_t1.data_to_world(at_t1.data[0]), (3.0, 1.0, 2.0), atol=1e-9)
    np.testing.assert_allclose(at_t1.face_color[0], lesion_rgba(2), atol=1e-6)
    assert str(at_t1.symbol[0]) == "x"
    session.remove_lesion(2)
    assert len(at_t1.data) == 0


def test_windows_stay_equal(shown):
    shown.cells[1].image.contrast_limits = (0, 100)
    assert [list(cell.image.contrast_limits) for cell in shown.cells] == [[0, 100]] * 3
    shown.set_window("Bone")
    assert [tuple(cell.image.contrast_limits) for cell in shown.cells] == [WINDOWS["Bone"]] * 3


def test_the_selected_lesion_is_shown_at_one_place(shown, session, study, viewer, make_finding):
    session.set_known(make_finding(study, 1, "T0", CENTRE))
    session.set_known(make_finding(study, 1, "T1", (9.0, 4.0, -3.0)))
    session.select(1)
    places = [cell.to_world(session.point_on(1, cell.scan.id)) for cell in shown.cells[:2]]
    np.testing.assert_allclose(places[0], places[1])
    np.testing.assert_allclose(shown.cells[0].image.translate, study.scans[0].grid.origin_mm)
    np.testing.assert_allclose(shown.cells[1].labels.translate, shown.cells[1].image.translate)
    assert viewer.dims.point[0] == pytest.approx(places[0][0], abs=1.0)
    shown.placing.aligned = False
    for cell, scan in zip(shown.cells, study.scans, strict=True):
        np.testing.assert_allclose(cell.image.translate, scan.grid.origin_mm)


def test_what_a_cell_shows_is_a_point_of_its_patient(shown, session, study, make_finding):
    session.set_known(make_finding(study, 1, "T0", CENTRE))
    session.set_known(make_finding(study, 1, "T1", (9.0, 4.0, -3.0)))
    session.select(1)
    cell, point = shown.cells[1], session.point_on(1, "T1")
    np.testing.assert_allclose(cell.to_patient(cell.to_world(point), across=[0]), point, atol=1e-9)


def test_the_reader_stays_where_he_has_scrolled_when_an_outline_comes(
    shown, session, study, viewer, make_finding
):
    session.select(1)
    viewer.dims.set_point(0, 10.0)
    session.set_known(make_finding(study, 1, "T0", CENTRE))
    assert viewer.dims.point[0] == pytest.approx(10.0)
    session.set_known(replace(session.finding(1, "T0"), review=Review.EDITED))  # as each stroke of the brush
    assert viewer.dims.point[0] == pytest.approx(10.0)


def test_the_slice_goes_to_a_finding(shown, session, study, viewer, make_finding):
    session.set_known(make_finding(study, 2, "T2", (14.0, 0.0, 0.0)))
    shown.placing.aligned = False
    shown.placing.go_to(2, "T2")
    assert viewer.dims.point[0] == pytest.approx(14.0, abs=1.5)
    shown.placing.go_to(2, "T1")  # nothing is known there
    assert viewer.dims.point[0] == pytest.approx(14.0, abs=1.5)


def test_removed_labels_and_clicks_come_back(shown, session, study, viewer, deferred, make_finding):
    finding = make_finding(study, 1, "T1", CENTRE)
    session.set_known(finding)
    viewer.layers.remove(shown.cells[1].labels)
    viewer.layers.remove(shown.cells[0].clicks)
    for call in deferred:
        call()
    assert len(viewer.layers) == 12
    assert shown.cells[1].labels.data.sum() == finding.mask.voxels.sum()
    assert len(shown.cells[0].clicks.data) == 2
    assert [type(layer).__name__ for layer in viewer.layers] == ["Image", "Labels", "Points", "Vectors"] * 3


def test_a_scan_without_its_image_leaves_the_grid(shown, session, study, viewer, deferred, make_finding):
    viewer.layers.remove(shown.cells[0].image)
    for call in deferred:
        call()
    assert len(viewer.layers) == 8
    assert viewer.canvas.grid.shape == (1, 2)
    session.set_known(make_finding(study, 1, "T0", CENTRE))  # nobody shows it; no error


def test_without_any_scan_it_is_said_that_all_are_gone(shown, session, viewer, deferred):
    heard = []
    shown.emptied.connect(lambda: heard.append("emptied"))
    viewer.layers.clear()
    deferred[-1]()
    assert heard == ["emptied"]
    session.open(None)
    assert not viewer.canvas.grid.enabled


@pytest.fixture
def turns() -> list[Callable[[], None]]:
    """Steps that wait for their turn of the event loop."""
    return []


@pytest.fixture
def gradual(viewer, session, deferred, turns) -> Iterator[LayerBridge]:
    """A bridge that brings studies up in steps."""
    bridge = LayerBridge(viewer, session, deferred.append, turns.append)
    yield bridge
    bridge.close()


def run(turns: list[Callable[[], None]], count: int = 100) -> None:
    while turns and count:
        turns.pop(0)()
        count -= 1


def test_a_study_comes_up_layer_by_layer(gradual, session, study, viewer, turns, make_finding):
    session.open(study)
    assert len(gradual.cells) == 1
    counts = [0]
    while gradual.showing:
        run(turns, 1)
        counts.append(len(viewer.layers))
        session.set_known(make_finding(study, 2, "T2", CENTRE))
    assert set(np.diff(counts)) == {0, 1}
    assert counts[-1] == 12
    assert gradual.cells[2].labels.data.any()
    assert [type(layer).__name__ for layer in viewer.layers] == ["Image", "Labels", "Points", "Vectors"] * 3
    assert viewer.layers.selection.active is gradual.cells[0].image


def test_what_is_known_comes_up_with_its_scan(gradual, session, study, turns, make_finding):
    finding = make_finding(study, 2, "T2", CENTRE)
    session.open(study, State({lesion.id: lesion for lesion in study.lesions}, {(2, "T2"): finding}))
    run(turns)
    assert gradual.cells[2].labels.data.sum() == 2 * finding.mask.voxels.sum()
    assert len(gradual.cells[0].clicks.data) == 2


@pytest.mark.parametrize("steps", [0, 1, 2, 4, 7, 12])
def test_a_study_opened_while_another_comes_up(gradual, session, study, viewer, turns, steps):
    viewer.add_points(np.zeros((1, 3)), name="somebody else's")
    session.open(study)
    run(turns, steps)
    session.open(type(study)("P02", tuple(replace(scan, id=f"new {scan.id}") for scan in study.scans[1:])))
    run(turns)
    assert [layer.name.split(" ·")[0] for layer in viewer.layers[:8:4]] == ["new T1", "new T2"]
    assert names(viewer)[8:] == ["somebody else's"]
    assert viewer.canvas.grid.shape == (1, 2)


@pytest.mark.parametrize("steps", [0, 1, 2, 4, 7, 12])
def test_closed_while_a_study_comes_up(gradual, session, study, viewer, turns, steps):
    session.open(study)
    run(turns, steps)
    session.open(None)
    assert not gradual.showing
    before = list(viewer.layers)
    run(turns)
    assert list(viewer.layers) == before == []


def test_a_bridge_closed_while_a_study_comes_up_adds_no_more(viewer, session, study, turns):
    gradual = LayerBridge(viewer, session, turns.append, turns.append)
    session.open(study)
    run(turns, 5)
    before = list(viewer.layers)
    gradual.close()
    run(turns)
    assert list(viewer.layers) == before


def test_layers_removed_while_a_study_comes_up_come_back(gradual, session, study, viewer, turns, deferred):
    session.open(study)
    run(turns, 9)
    viewer.layers.remove(gradual.cells[0].labels)
    run(deferred)
    run(turns)
    assert [type(layer).__name__ for layer in viewer.layers] == ["Image", "Labels", "Points", "Vectors"] * 3


def test_a_viewer_emptied_while_a_study_comes_up_stays_empty(
    gradual, session, study, viewer, turns, deferred
):
    heard = []
    gradual.emptied.connect(lambda: heard.append("emptied"))
    session.open(study)
    run(turns, 9)
    viewer.layers.clear()
    run(turns)
    run(deferred, 1)
    assert heard == ["emptied"]
    assert not viewer.layers


def test_a_window_chosen_while_a_study_comes_up_is_that_of_all_scans(gradual, session, study, turns):
    session.open(study)
    run(turns, 5)
    gradual.set_window("Bone")
    run(turns)
    assert [tuple(cell.image.contrast_limits) for cell in gradual.cells] == [WINDOWS["Bone"]] * 3


def test_an_extra_layer_brings_up_the_rest_of_the_study_first(gradual, session, study, viewer, turns):
    session.open(study)
    run(turns, 5)
    extra = napari.layers.Image(np.zeros(study.scans[1].grid.shape), name="extra")
    gradual.show_extras({"T1": extra})
    assert not gradual.showing
    assert len(viewer.layers) == 15
    run(turns)
    assert len(viewer.layers) == 15


def test_another_study_takes_the_place_of_the_first(shown, session, study, viewer):
    viewer.add_points(np.zeros((1, 3)), name="somebody else's")
    session.open(type(study)("P02", study.scans[:2]))
    assert viewer.canvas.grid.shape == (1, 2)
    assert len(viewer.layers) == 9
    assert names(viewer)[-1] == "somebody else's"


def test_a_closed_bridge_is_deaf(shown, session, study, make_finding):
    shown.close()
    session.set_known(make_finding(study, 1, "T0", CENTRE))
    assert not shown.cells[0].labels.data.any()


def test_layers_moved_by_hand_go_back_to_their_place(shown, viewer, deferred):
    before = names(viewer)
    viewer.layers.move(0, 5)
    assert names(viewer) != before
    deferred.pop()()
    assert names(viewer) == before
    assert not deferred


def test_layers_renamed_by_hand_keep_their_scan(shown, session, study, viewer, make_finding):
    shown.cells[1].labels.name = "mine"
    finding = make_finding(study, 1, "T1", CENTRE)
    session.set_known(finding)
    assert viewer.layers["mine"].data.sum() == finding.mask.voxels.sum()
    assert shown.cell_of(viewer.layers["mine"]) is shown.cells[1]


def test_titles_have_the_colours_of_their_dates(shown):
    def colours() -> list[list[float]]:
        return [ColorValue(cell.image.name_overlay.color).tolist() for cell in shown.cells]

    assert colours() == [ColorValue(code).tolist() for code in DATE_COLOURS[:3]]
    shown.set_date_colours(["#ff0000", "#0000ff"])
    assert colours() == [ColorValue(code).tolist() for code in ("#ff0000", "#0000ff", "#ff0000")]
