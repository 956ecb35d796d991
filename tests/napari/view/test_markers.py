from __future__ import annotations

import numpy as np
import pytest

from napari_longiseg._napari.layers.colours import label_colours, lesion_colormap, lesion_hex, lesion_rgba
from napari_longiseg._napari.view.drawing import CROSS_PIXELS, DOTS, RING_PIXELS, drawing
from napari_longiseg._napari.view.markers import FAINT, UNKNOWN_MM, marker_at, markers
from napari_longiseg.core.lesion import BoxPrompt, Click, Lesion
from napari_longiseg.core.proposal import Proposal

NEAR, FAR = (0.0, 0.0, 0.0), (10.0, 20.0, -20.0)
AXIAL, SAGITTAL, NOWHERE = (0,), (2,), ()


@pytest.fixture
def scan(study):
    """Slices of 2 mm, pixels of 1 mm."""
    return study.scans[0]


@pytest.fixture
def lesions() -> tuple[Lesion, ...]:
    box = BoxPrompt("T0", (-4.0, -6.0, -8.0), (4.0, 6.0, 8.0))
    clicks = (Click("T0", NEAR), Click("T0", (0.0, 9.0, 0.0), positive=False), Click("T1", NEAR))
    return Lesion(1, clicks=clicks, boxes=(box,)), Lesion(2, colour="#102030")


@pytest.fixture
def ring() -> Proposal:
    return Proposal(2, "T0", FAR, "T1", uncertainty_mm=5.0)


def test_clicks_and_proposals_of_one_scan_are_marked(scan, lesions, ring):
    shown = markers(scan, lesions, [ring], None)
    assert shown.lesions.tolist() == [1, 1, 2]
    assert shown.symbols.tolist() == ["cross", "x", "disc"]
    assert shown.radii_mm.tolist() == [0.0, 0.0, 5.0]
    assert shown.movable.tolist() == [True, False, True]
    assert shown.strong.all()
    assert shown.boxes == ()
    np.testing.assert_allclose(shown.points_mm, [NEAR, (0.0, 9.0, 0.0), FAR])
    np.testing.assert_allclose(shown.rgba[2], (16 / 255, 32 / 255, 48 / 255, 1.0))


def test_the_selected_lesion_stands_out(scan, lesions, ring):
    shown = markers(scan, lesions, [ring], 1)
    assert shown.strong.tolist() == [True, True, False]
    assert shown.rgba[:, 3].tolist() == [1.0, 1.0, FAINT]
    assert [box.low_mm for box in shown.boxes] == [(-4.0, -6.0, -8.0)]


def test_a_ring_has_a_size_also_where_its_error_is_unknown(scan, lesions):
    shown = markers(scan, lesions, [Proposal(2, "T0", FAR, "T1")], None)
    assert shown.radii_mm[2] == UNKNOWN_MM


def test_nothing_to_mark(scan):
    shown = markers(scan, [], [], None)
    assert shown.points_mm.shape == (0, 3)
    assert marker_at(shown, scan, NEAR, AXIAL, 5.0) is None
    assert drawing(shown, scan.grid, AXIAL, 1.0).indices.shape == (0, 3)


def test_a_ring_is_seen_on_every_slice_that_cuts_its_sphere(scan, lesions, ring):
    drawn = drawing(markers(scan, lesions[1:], [ring], None), scan.grid, AXIAL, 100.0)
    np.testing.assert_allclose(scan.grid.to_mm(drawn.indices)[:, 0], (6.0, 8.0, 10.0, 12.0, 14.0))
    np.testing.assert_allclose(drawn.sizes, 2 * np.sqrt(25.0 - np.array([16.0, 4.0, 0.0, 4.0, 16.0])))
    assert (drawn.faces[:, 3] == 0).all()
    assert (drawn.borders[:, 3] == 1).all()
    across_x = drawing(markers(scan, lesions[1:], [ring], None), scan.grid, SAGITTAL, 100.0)
    assert len(across_x.indices) == 11
    in_3d = drawing(markers(scan, lesions[1:], [ring], None), scan.grid, NOWHERE, 100.0)
    np.testing.assert_allclose(scan.grid.to_mm(in_3d.indices), [FAR])
    np.testing.assert_allclose(in_3d.sizes, 10.0)


def test_a_small_ring_is_seen_on_the_nearest_slice(scan, lesions):
    small = Proposal(2, "T0", (0.9, 0.0, 0.0), "T1", uncertainty_mm=0.0)
    drawn = drawing(markers(scan, lesions[1:], [small], None), scan.grid, AXIAL, 2.0)
    np.testing.assert_allclose(scan.grid.to_mm(drawn.indices), [NEAR])
    assert drawn.sizes[0] == RING_PIXELS / 2.0


def test_crosses_keep_their_size_on_the_screen(scan, lesions):
    for zoom in (20.0, 40.0):
        drawn = drawing(markers(scan, lesions[:1], [], None), scan.grid, AXIAL, zoom)
        np.testing.assert_allclose(drawn.sizes * zoom, CROSS_PIXELS)
        np.testing.assert_allclose(scan.grid.to_mm(drawn.indices), [NEAR, (0.0, 9.0, 0.0)])


def test_a_box_is_dotted_on_every_slice_that_cuts_it(scan, lesions):
    shown = markers(scan, lesions, [], 1)
    dots = scan.grid.to_mm(drawing(shown, scan.grid, AXIAL, 1.0).indices[2:])
    assert set(dots[:, 0]) == {-4.0, -2.0, 0.0, 2.0, 4.0}
    assert len(dots) == 5 * 4 * DOTS
    on_edges = (np.abs(dots[:, 1]) == 6.0) | (np.abs(dots[:, 2]) == 8.0)
    assert on_edges.all()
    in_3d = drawing(shown, scan.grid, NOWHERE, 1.0)
    assert len(in_3d.indices) == 2 + 12 * DOTS


def test_a_press_takes_hold_of_a_centre_or_a_ring(scan, lesions, ring):
    shown = markers(scan, lesions, [ring], None)
    assert marker_at(shown, scan, (0.0, 1.5, 0.0), AXIAL, 2.0) == 0
    assert marker_at(shown, scan, (2.0, 1.5, 0.0), AXIAL, 2.0) is None, "a cross is on its own slice"
    assert marker_at(shown, scan, (0.0, 9.0, 0.0), AXIAL, 2.0) is None, "negative clicks stay"
    assert marker_at(shown, scan, FAR, AXIAL, 1.0) == 2
    assert marker_at(shown, scan, (10.0, 23.0, -20.0), AXIAL, 1.0) is None, "neither centre nor ring"
    assert marker_at(shown, scan, (10.0, 25.5, -20.0), AXIAL, 1.0) == 2
    assert marker_at(shown, scan, (14.0, 23.0, -20.0), AXIAL, 0.5) == 2, "the ring is smaller there"
    assert marker_at(shown, scan, (16.0, 20.0, -20.0), AXIAL, 1.0) is None


def test_the_selected_lesions_marker_is_taken_first(scan):
    pair = (Lesion(1, clicks=(Click("T0", NEAR),)), Lesion(2, clicks=(Click("T0", (0.0, 1.0, 0.0)),)))
    press = (0.0, 0.2, 0.0)
    assert marker_at(markers(scan, pair, [], None), scan, press, AXIAL, 3.0) == 0
    assert marker_at(markers(scan, pair, [], 2), scan, press, AXIAL, 3.0) == 1


def test_labels_share_no_colour_that_was_chosen():
    assert len(label_colours([Lesion(1), Lesion(25)])) == 10
    colours = label_colours([Lesion(1, colour="#010203"), Lesion(20)])
    assert len(colours) == 30, "the label after the last one has a colour, too"
    assert colours.count("#010203") == 1
    assert colours[10] == lesion_hex(1)


def test_a_colormap_knows_every_label():
    colormap = lesion_colormap([Lesion(2, colour="#ffffff"), Lesion(12)])
    np.testing.assert_allclose(colormap.map(2), (1.0, 1.0, 1.0, 1.0))
    np.testing.assert_allclose(colormap.map(12), lesion_rgba(12), atol=1e-6)
    np.testing.assert_allclose(colormap.map(0), 0.0)


def test_markers_follow_the_session_the_view_and_the_zoom(shown, session, viewer):
    clicks = shown.cells[1].clicks
    session.set_known(Proposal(1, "T1", NEAR, "T0", uncertainty_mm=6.0))
    assert len(clicks.data) == 8, "slices of 1.5 mm within 6 mm"
    viewer.dims.ndisplay = 3
    assert len(clicks.data) == 1
    viewer.dims.ndisplay = 2
    thick = clicks.border_width[0]
    session.select(2)
    assert clicks.border_width[0] < thick
    assert clicks.border_color[0][3] == pytest.approx(FAINT)
    at_t0 = shown.cells[0].clicks
    viewer.scene.camera.zoom = 40.0
    large = at_t0.size[0]
    viewer.scene.camera.zoom = 80.0
    assert at_t0.size[0] == pytest.approx(large / 2)


def test_a_recoloured_lesion_has_its_colour_everywhere(shown, session, viewer, deferred):
    session.set_lesion(Lesion(1, "near", (Click("T0", NEAR),), colour="#ffffff"))
    for cell in shown.cells:
        np.testing.assert_allclose(cell.labels.get_color(1), 1.0)
        np.testing.assert_allclose(cell.labels.get_color(2), lesion_rgba(2), atol=1e-6)
    np.testing.assert_allclose(shown.cells[0].clicks.border_color[0], 1.0)
    viewer.layers.remove(shown.cells[1].labels)
    for call in deferred:
        call()
    np.testing.assert_allclose(shown.cells[1].labels.get_color(1), 1.0)
