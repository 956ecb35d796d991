"""A checked registration shown over its target scan, one view of it at a time."""

from __future__ import annotations

from typing import Any

import napari.viewer
from psygnal import Signal

import napari.layers
from napari_longiseg._napari.check.layers import TARGET_COLOUR, View, check_looks
from napari_longiseg._napari.view.bridge import LayerBridge
from napari_longiseg.core.scan import Study
from napari_longiseg.registration.check import RegistrationCheck, straight_lines
from napari_longiseg.session import Session

SQUARE_MM = 30.0
"""Edge of the checkerboard's squares at first."""


class CheckView:
    """Shows a registration check in the cell of its target, and takes it away without a trace.

    Whoever makes it must keep it, and close it before the bridge.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Also a ``ViewerModel``.
    session : Session
        Checks belong to its study.
    bridge : LayerBridge
        Owns the cells.

    Signals
    -------
    changed()
        There is another check, or none any more, or another view of it.
    """

    changed = Signal()

    def __init__(self, viewer: napari.viewer.Viewer, session: Session, bridge: LayerBridge) -> None:
        self._viewer = viewer
        self._session = session
        self._bridge = bridge
        self._check: RegistrationCheck | None = None
        self._view = View.OFF
        self._square_mm = SQUARE_MM
        self._layers: dict[str, napari.layers.Image] = {}
        self._linked: tuple[Any, ...] = ()
        self._tinted: tuple[Any, Any] | None = None
        session.study_changed.connect(self._on_study)
        bridge.extras_removed.connect(self._on_extras_removed)
        viewer.dims.events.order.connect(self._on_displayed)
        viewer.dims.events.ndisplay.connect(self._on_displayed)

    @property
    def check(self) -> RegistrationCheck | None:
        """What can be looked at."""
        return self._check

    @property
    def view(self) -> View:
        """What is looked at."""
        return self._view

    def open(self, check: RegistrationCheck) -> None:
        """Look at another check, in the view chosen before, at first as an overlay."""
        view = View.OVERLAY if self._view is View.OFF else self._view
        self._forget()
        self._check = check
        self.show(view)

    def show(self, view: View) -> None:
        """Look at the check in another way, where its scans are still there."""
        image = self._target_image()
        if self._check is None or image is None or view is View.OFF:
            self._take_away()
            if image is not None:
                self._viewer.layers.selection.active = image
        else:
            self._view = view
            self._cover(self._check, image)
        self.changed.emit()

    def set_square(self, square_mm: float) -> None:
        """Choose the edge of the checkerboard's squares."""
        self._square_mm = square_mm
        if self._check is not None and self._view is View.CHECKERBOARD:
            self._layers[self._check.target.id].data = self._check.checkerboard(square_mm)

    def close(self) -> None:
        """Take everything away and stop watching."""
        self._session.study_changed.disconnect(self._on_study)
        self._bridge.extras_removed.disconnect(self._on_extras_removed)
        self._viewer.dims.events.order.disconnect(self._on_displayed)
        self._viewer.dims.events.ndisplay.disconnect(self._on_displayed)
        self._take_away()

    # ---- what the session, the bridge and napari say

    def _on_study(self, _: Study | None) -> None:
        """The bridge has taken the layers away with the study before."""
        self._check = None
        self._on_extras_removed()

    def _on_extras_removed(self) -> None:
        self._forget()
        self.changed.emit()

    def _on_displayed(self, _: Any) -> None:  # noqa: ANN401 - napari's event
        """Lines depend on the axes that are displayed."""
        if self._check is not None and self._view is View.GRID:
            displayed = self._viewer.dims.displayed
            self._layers[self._check.source.id].data = straight_lines(self._check.source, displayed)[1]
            self._layers[self._check.target.id].data = self._check.lines(displayed)

    def _on_window(self, event: Any) -> None:  # noqa: ANN401 - napari's event
        """Keep the CT windows of the target and of the source over it equal."""
        limits = list(event.source.contrast_limits)
        for layer in self._linked if self._view.in_hu else ():
            if list(layer.contrast_limits) != limits:
                layer.contrast_limits = limits

    # ---- helpers

    def _target_image(self) -> Any | None:  # noqa: ANN401 - may be a proxy of a layer
        """The target's own image, where both scans are still shown."""
        if self._check is None:
            return None
        images = {cell.scan.id: cell.image for cell in self._bridge.cells}
        return images.get(self._check.target.id) if self._check.source.id in images else None

    def _cover(self, check: RegistrationCheck, image: Any) -> None:  # noqa: ANN401 - may be a proxy of a layer
        """Lay the view over the scans: by new layers at first, by changing these from then on."""
        displayed, window = self._viewer.dims.displayed, tuple(image.contrast_limits)
        looks = check_looks(check, self._view, displayed, self._square_mm, window)
        self._unlink()
        if self._layers:
            for scan_id, look in looks.items():
                look.put_on(self._layers[scan_id])
        else:
            self._layers = {scan_id: look.layer() for scan_id, look in looks.items()}
            self._bridge.show_extras(self._layers)
        if self._view is View.OVERLAY:
            self._tinted = image, image.colormap
            image.colormap = TARGET_COLOUR
        self._linked = image, self._layers[check.target.id]
        for layer in self._linked:
            layer.events.contrast_limits.connect(self._on_window)
        # Napari tells the value under the cursor in the active layer, such as the uncertainty.
        self._viewer.layers.selection.active = self._layers[check.target.id]

    def _take_away(self) -> None:
        self._forget()
        self._bridge.show_extras({})

    def _forget(self) -> None:
        """Nothing is looked at; the layers are the bridge's to take away."""
        self._unlink()
        self._view, self._layers = View.OFF, {}

    def _unlink(self) -> None:
        """Let go of the target's own image; its colours come back unless the reader has chosen others."""
        for layer in self._linked:
            layer.events.contrast_limits.disconnect(self._on_window)
        self._linked = ()
        if self._tinted is not None:
            image, before = self._tinted
            self._tinted = None
            if image.colormap.name == TARGET_COLOUR:
                image.colormap = before
