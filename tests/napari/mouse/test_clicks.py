from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from napari_longiseg._napari.mouse.box_tool import box_between
from napari_longiseg._napari.mouse.clicks import ClickRouter
from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.proposal import Proposal

NEAR, PIXELS_PER_MM = (0.0, 0.0, 0.0), 10.0
Place = tuple[float, float, float]


@pytest.fixture
def heard() -> list[tuple]:
    """What the router has told."""
    return []


@pytest.fixture
def router(shown, viewer, heard) -> ClickRouter:
    """Switched on, over the phantom study, with a proposal for lesion 2 on T1."""
    router = ClickRouter(viewer, shown)
    for signal in ("clicked", "moved", "box_drawn", "missed"):
        getattr(router, signal).connect(lambda *told, name=signal: heard.append((name, *told)))
    router.enabled = True
    viewer.canvas.size = (400, 1200)
    viewer.scene.camera.center, viewer.scene.camera.zoom = NEAR, PIXELS_PER_MM
    viewer.dims.set_point(0, 0.0)
    return router


@pytest.fixture
def mouse(viewer) -> Callable[..., None]:
    """Press, drag over these displayed positions (mm), and release, in a column of the grid."""

    def event(kind: str, place: Place, button: int, modifiers: tuple[str, ...]) -> dict:
        pos = np.array([place[2], place[1]]) * PIXELS_PER_MM
        return {"type": kind, "pos": pos, "position": place, "button": button, "modifiers": modifiers}

    def drag(*places: Place, column=0, modifiers=(), button=1, before_release=lambda: None) -> None:
        viewer.cursor.viewbox = (0, column)
        now = SimpleNamespace(**event("mouse_press", places[0], button, modifiers))
        running = [callback(viewer, now) for callback in viewer.mouse_drag_callbacks]
        for gesture in running:
            next(gesture, None)
        for place in places[1:]:
            vars(now).update(event("mouse_move", place, button, modifiers))
            for gesture in running:
                next(gesture, None)
        before_release()
        vars(now).update(event("mouse_release", places[-1], button, modifiers))
        for gesture in running:
            next(gesture, None)

    return drag


@pytest.fixture
def ring(session) -> Proposal:
    """Expected on T1 between two slices, known to 3 mm."""
    ring = Proposal(2, "T1", (1.0, 4.0, 5.0), "T0", uncertainty_mm=3.0)
    session.set_known(ring)
    return ring


def press_escape(viewer) -> None:
    bound = {str(key): call for key, call in viewer.keymap.items()}
    bound["Escape"](viewer)


def test_a_click_is_a_point_of_the_scan_under_the_mouse(router, mouse, heard):
    mouse((0.3, 20.0, 7.0), column=1)
    mouse((0.3, 20.0, 7.0), (0.3, 20.2, 7.0), column=2, modifiers=("Shift",))
    assert [(name, scan, positive) for name, scan, _, positive in heard] == [
        ("clicked", "T1", True),
        ("clicked", "T2", False),
    ]
    for _, _, point, _ in heard:
        np.testing.assert_allclose(point, (0.0, 20.0, 7.0), atol=0.6)


def test_other_presses_are_naparis(router, viewer, shown, mouse, heard):
    mouse((0.0, 20.0, 7.0), (0.0, 20.0, 12.0))
    mouse(NEAR, button=2)
    mouse(NEAR, modifiers=("Control",))
    viewer.layers.selection.active = shown.cells[0].labels
    shown.cells[0].labels.mode = "paint"
    mouse(NEAR)
    assert heard == []
    shown.cells[0].labels.mode = "pan_zoom"
    mouse(NEAR)
    assert len(heard) == 1
    router.enabled = False
    mouse(NEAR)
    assert len(heard) == 1


def test_a_dragged_ring_moves_to_the_slice_shown(router, ring, shown, viewer, mouse, heard):
    cell = shown.cells[1]
    at = np.add(ring.point_mm, cell.shift_mm)
    start, end = (0.0, at[1] + 0.2, at[2]), (0.0, at[1] + 6.2, at[2] - 3.0)

    def follows() -> None:
        middle = cell.clicks.data_to_world(cell.clicks.data.mean(axis=0))
        np.testing.assert_allclose(middle[1:], (at[1] + 6.0, at[2] - 3.0), atol=1e-6)
        assert not viewer.scene.camera.mouse_pan, "the view stays where it is"

    mouse(start, (0.0, at[1] + 3.0, at[2]), end, column=1, before_release=follows)
    [(name, scan, lesion, point)] = heard
    assert (name, scan, lesion) == ("moved", "T1", 2)
    on_slice = cell.to_patient((0.0, 0.0, 0.0), [0])[0]
    np.testing.assert_allclose(point, (on_slice, 10.0, 2.0), atol=1e-6)
    assert viewer.scene.camera.mouse_pan


def test_a_click_on_a_marker_is_a_click(router, ring, mouse, heard):
    mouse((0.0, 4.0, 5.0), (0.0, 4.1, 5.0), column=1)
    assert [told[0] for told in heard] == ["clicked"]


def test_escape_puts_a_marker_back(router, ring, shown, viewer, mouse, heard):
    clicks = shown.cells[1].clicks
    before = clicks.data.copy()
    mouse((0.0, 4.0, 5.0), (0.0, 9.0, 5.0), column=1, before_release=lambda: press_escape(viewer))
    assert heard == []
    np.testing.assert_allclose(clicks.data, before)
    assert not any(str(key) == "Escape" for key in viewer.keymap), "it is free again"


def test_a_key_that_was_bound_before_is_given_back(router, ring, viewer, mouse):
    pressed = []
    viewer.bind_key("Escape", lambda _: pressed.append(1))
    mouse((0.0, 4.0, 5.0), (0.0, 9.0, 5.0), column=1, before_release=lambda: press_escape(viewer))
    press_escape(viewer)
    assert pressed == [1]


def test_beside_its_cell_a_marker_is_put_back(router, ring, shown, mouse, heard):
    clicks = shown.cells[1].clicks
    before = clicks.data.copy()
    outside = (0.0, 4.0, 300.0)

    def is_back() -> None:
        np.testing.assert_allclose(clicks.data, before)

    mouse((0.0, 4.0, 5.0), (0.0, 9.0, 5.0), outside, column=1, before_release=is_back)
    assert heard == []
    mouse((0.0, 4.0, 5.0), outside, (0.0, 9.0, 5.0), column=1)
    assert [told[0] for told in heard] == ["moved"], "it came back in time"


def test_the_readers_own_point_moves_and_nothing_else_knows_of_it(router, shown, session, mouse, heard):
    before = shown.cells[0].clicks.data.copy()
    mouse(NEAR, (0.0, 3.0, 2.0))
    [(name, scan, lesion, point)] = heard
    assert (name, scan, lesion) == ("moved", "T0", 1)
    np.testing.assert_allclose(point, (0.0, 3.0, 2.0), atol=1e-6)
    np.testing.assert_allclose(shown.cells[0].clicks.data, before, err_msg="nobody took it up")
    assert session.lesion(1).clicks[0].point_mm == NEAR


def test_a_box_is_drawn_from_corner_to_corner(router, shown, mouse, heard):
    router.box = True
    clicks = shown.cells[0].clicks
    before = len(clicks.data)

    def is_shown() -> None:
        assert len(clicks.data) > before + 50

    mouse((0.0, 6.0, 8.0), (0.0, 2.0, 3.0), (0.0, -4.0, -12.0), before_release=is_shown)
    assert heard == [("box_drawn", "T0", (-10.0, -4.0, -12.0), (10.0, 6.0, 8.0))]
    assert len(clicks.data) == before
    mouse((0.0, 6.0, 8.0))
    assert heard[-1][0] == "clicked", "clicks stay clicks"
    router.box = True
    mouse((0.0, 6.0, 8.0), (0.0, 6.2, 14.0))
    assert len(heard) == 2, "thinner than a voxel"
    assert router.box, "no box was drawn"


def test_the_box_tool_draws_one_box_and_with_shift_more(router, mouse, heard):
    switched: list[bool] = []
    router.box_changed.connect(switched.append)
    corners = (0.0, 6.0, 8.0), (0.0, -4.0, -12.0)
    router.box = True
    mouse(*corners, modifiers=("Shift",))
    assert router.box
    mouse(*corners)
    mouse((0.0, 20.0, 8.0), (0.0, 10.0, -12.0))
    mouse((0.0, 20.0, 8.0), (0.0, 10.0, -12.0), modifiers=("Shift",))
    assert [told[0] for told in heard] == ["box_drawn", "box_drawn"]
    assert switched == [True, False]


def test_a_box_ends_where_the_scan_ends():
    grid = Grid((10, 40, 40), (3.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    low, high = box_between((6.0, 38.0, 5.0), (6.0, 8.0, 45.0), [0], grid)
    assert low == (-1.5, 8.0, 5.0)
    assert high == (26.0, 38.0, 39.5)
    assert box_between((6.0, 8.0, 5.0), (6.0, 8.5, 25.0), [0], grid) is None


def test_clicks_that_place_nothing_say_why(router, viewer, mouse, heard):
    mouse((0.0, 200.0, 0.0), column=1)
    mouse(NEAR, column=7)
    viewer.dims.ndisplay = 3
    mouse(NEAR)
    assert [told[0] for told in heard] == ["missed"] * 3
    assert "outside scan T1" in heard[0][1]
    assert "no scan where you clicked" in heard[1][1]
    assert "need the 2-D view" in heard[2][1]
