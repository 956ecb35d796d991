"""The registration check in a window: rendered pixels, real mouse events, and away with its panel."""

from __future__ import annotations

import numpy as np
from napari.qt.threading import create_worker  # noqa: F401 - imported before the clock runs

from napari_longiseg._napari.check.layers import View


def test_closing_the_panel_takes_it_away(with_lesions, viewer, idle):
    with_lesions.registration.check_button.click()
    idle(with_lesions)
    viewer.window.remove_dock_widget(with_lesions.parent())
    assert len(viewer.layers) == 12
    assert viewer.layers[4].colormap.name == "gray"


def test_every_view_colours_its_own_cells_and_clicks_go_to_the_scan_below(
    with_lesions, viewer, hands, pictures, idle
):
    with_lesions.registration.check_button.click()
    idle(with_lesions)
    shares = {}
    for view in View:
        with_lesions.desk.check_view.show(view)
        viewer.dims.set_point(0, 0.0)
        shares[view] = np.array([(np.ptp(cell, axis=-1) > 30).mean() for cell in pictures()[:3]])
    bare = shares[View.OFF]
    assert bare.max() < 0.03, "titles and clicks"
    assert 0.001 < (shares[View.OVERLAY] - bare)[1] < 0.1, "grey, but where the lesion has grown"
    assert (shares[View.UNCERTAINTY] - bare)[1] > 0.15
    assert (shares[View.GRID] - bare)[:2].min() > 0.02
    for number, view in enumerate(View, start=1):
        assert shares[view][2] == bare[2]
        with_lesions.desk.check_view.show(view)
        hands.click("T1", (0.0, 14.0, 2.0 * number))
        clicks = [click for lesion in with_lesions.session.lesions for click in lesion.clicks]
        assert len(clicks) == 2 + number
    assert {click.scan for click in with_lesions.session.lesions[-1].clicks} == {"T1"}
