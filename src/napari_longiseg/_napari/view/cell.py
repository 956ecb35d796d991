"""One scan in one cell of the grid: its image, its label volume, its markers and its cross-hair."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Any

import numpy as np

import napari.layers
from napari_longiseg._napari.layers.headings import title
from napari_longiseg._napari.layers.scans import (
    click_options,
    cursor_options,
    image_options,
    label_options,
    spacer_options,
)
from napari_longiseg._napari.layers.windows import WINDOW_RANGE, Window
from napari_longiseg._napari.view.cross import COLOURS, cross, line_width
from napari_longiseg._napari.view.drawing import Drawing
from napari_longiseg.core.geometry import Array, Box, Point, as_point
from napari_longiseg.core.labels import labels_within
from napari_longiseg.core.lesion import Finding
from napari_longiseg.core.scan import Scan, Study


class Cell:
    """Four layers of one scan, and one more between the scan and its outlines while that is wanted.

    Parameters
    ----------
    scan : Scan
        What is shown.
    study : Study
        The study it belongs to.
    window : (2,) float
        Lowest and highest HU shown.
    image : napari.layers.Image, optional
        The image layer where the reader has made it already.

    Attributes
    ----------
    shift_mm : Point
        How far (mm, order z, y, x) from its patient position the scan is displayed by :meth:`place`.
    """

    def __init__(self, scan: Scan, study: Study, window: Window, image: Any | None = None) -> None:  # noqa: ANN401 - may be a proxy of a layer
        self.scan = scan
        self.image = image or napari.layers.Image(scan.image, **image_options(scan, study, window))
        self.image.contrast_limits_range = WINDOW_RANGE
        self.image.contrast_limits = window
        self.image.name = title(scan)
        self.image.name_overlay.font_size = 12
        self.labels = self.new_labels()
        self.clicks = self.new_clicks()
        self._drawn: Drawing | None = None
        self.cursor = self.new_cursor()
        self.extra: Any | None = None
        self.shift_mm: Point = (0.0, 0.0, 0.0)

    @property
    def layers(self) -> tuple[Any, ...]:
        """Image, the extra layer where there is one, labels, clicks and cursor, from bottom to top."""
        extra = () if self.extra is None else (self.extra,)
        return self.image, *extra, self.labels, self.clicks, self.cursor

    @cached_property
    def spacer(self) -> napari.layers.Points:
        """A hidden layer for the place of the extra one."""
        return napari.layers.Points(None, **spacer_options(self.scan))

    def new_labels(self) -> napari.layers.Labels:
        """An empty label layer."""
        labels = np.zeros(self.scan.grid.shape, dtype=np.uint16)
        return napari.layers.Labels(labels, **label_options(self.scan))

    def new_clicks(self) -> napari.layers.Points:
        """A points layer without points."""
        return napari.layers.Points(None, **click_options(self.scan))

    def new_cursor(self) -> napari.layers.Vectors:
        """A layer with one cross-hair, not seen yet; napari draws lines anew faster than points."""
        grid = self.scan.grid
        lines = cross(np.array(grid.shape) / 2, grid.spacing_mm, (1, 2), zoom=1.0)
        cursor = napari.layers.Vectors(lines, edge_color=COLOURS, **cursor_options(self.scan))
        cursor.editable = False
        return cursor

    def owns(self, layer: Any) -> bool:  # noqa: ANN401 - may be a proxy of a layer
        """Whether a layer is one of the cell's."""
        return layer.unique_id in {own.unique_id for own in self.layers}

    def renew(self, present: Collection[Any]) -> bool:
        """Make layers anew whose ids are not *present*, but for the image; say whether outlines were lost."""
        lost = self.labels.unique_id not in present
        if lost:
            self.labels = self.new_labels()
        if self.clicks.unique_id not in present:
            self.clicks = self.new_clicks()
        if self.cursor.unique_id not in present:
            self.cursor = self.new_cursor()
        self.place()
        return lost

    def paint(self, findings: Sequence[Finding], *boxes: Box) -> None:
        """Draw the masks of the scan's findings anew inside boxes of its voxels, in place."""
        regions = [box.clipped(self.scan.grid.shape) for box in boxes]
        regions = [region for region in regions if not region.is_empty]
        for region in regions:
            labels_within(findings, self.scan.grid, region, out=self.labels.data[region.slices])
        if regions:
            self.labels.refresh(extent=False)

    def show_markers(self, drawing: Drawing) -> None:
        """Draw clicks, proposals and boxes anew."""
        layer = self.clicks
        if len(drawing.indices) == len(layer.data) and drawing == self._drawn:
            return
        self._drawn = drawing
        with layer.events.blocker_all():  # or napari would draw anew for each of them
            layer.selected_data = set()
            layer.data = drawing.indices
            if len(drawing.indices):
                layer.size = drawing.sizes
                layer.border_width = drawing.lines
                layer.face_color = drawing.faces
                layer.border_color = drawing.borders
                layer.symbol = drawing.symbols
        layer.refresh(extent=False, thumbnail=False)

    def show_title(self) -> None:
        """Write the scan's title over it; napari takes its time for each letter when it comes first."""
        self.image.name_overlay.visible = True

    def colour(self, code: str) -> None:
        """Write the scan's title in a colour ``#rrggbb``."""
        self.image.name_overlay.color = code

    def point_at(self, index: Sequence[float], displayed: Sequence[int], zoom: float, opacity: float) -> None:
        """Move the cross-hair to a place (voxels); for the rest see :func:`cross`.

        In place: napari would measure all layers anew for other data, which takes long. And never by
        ``visible``, which lays out the grid anew.
        """
        spacing_mm = self.scan.grid.spacing_mm
        self.cursor.data[:] = cross(index, spacing_mm, displayed, zoom)
        width = line_width(spacing_mm, zoom)
        if self.cursor.edge_width != width:
            with self.cursor.events.blocker_all():  # or napari would draw anew for it alone
                self.cursor.edge_width = width
        self.cursor.refresh(extent=False, thumbnail=False, highlight=False)
        self.fade_cursor(opacity)

    def fade_cursor(self, opacity: float) -> None:
        """Draw the cross-hair as clearly as this, from 0 for not at all to 1."""
        if self.cursor.opacity != opacity:
            self.cursor.opacity = opacity

    @property
    def is_placed(self) -> bool:
        """Whether the layers are displayed where :attr:`shift_mm` says."""
        return not self._astray()

    def place(self) -> None:
        """Display the layers where :attr:`shift_mm` says.

        When one says so, napari measures all layers anew, counts its slices from elsewhere and cuts all
        layers for that; so the image alone says it, for all.
        """
        translate, astray = self._translate(), sorted(self._astray(), key=lambda layer: layer is self.image)
        for layer in astray[:-1]:
            with layer.events.blocker_all():
                layer.translate = translate
        for layer in astray[-1:]:
            layer.translate = translate
        for layer in astray[:-1]:
            layer.refresh(extent=False, thumbnail=False, highlight=False)

    def _translate(self) -> Array:
        return np.asarray(self.scan.grid.origin_mm) + self.shift_mm

    def _astray(self) -> list[Any]:
        translate = self._translate()
        return [layer for layer in self.layers if not np.allclose(layer.translate, translate, atol=1e-6)]

    def to_world(self, point_mm: Point) -> Point:
        """Where a point of the patient is displayed."""
        return as_point(np.add(point_mm, self.shift_mm))

    def to_patient(self, world: Sequence[float], across: Sequence[int]) -> Point:
        """The patient point (LPS mm) under a displayed position.

        Parameters
        ----------
        world : (3,) float
            Position in the viewer.
        across : sequence of int
            Axes that the view cuts across; along these the point lies on the centre of the slice shown.
        """
        index = self.scan.grid.to_index(np.subtract(world, self.shift_mm))
        for axis in across:
            index[axis] = np.rint(index[axis])
        return as_point(self.scan.grid.to_mm(index))
