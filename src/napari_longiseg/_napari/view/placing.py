"""How far each scan is displayed from its patient position, and which place is in view."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import napari.viewer
import numpy as np
from psygnal import Signal

from napari_longiseg._napari.view.alignment import display_shifts
from napari_longiseg._napari.view.camera import Camera
from napari_longiseg._napari.view.cell import Cell
from napari_longiseg._napari.view.steps import Turns
from napari_longiseg.core.geometry import Point, as_point
from napari_longiseg.core.landmark import LandmarkPair
from napari_longiseg.registration.correction import CorrectedMap
from napari_longiseg.registration.inverse import Carry
from napari_longiseg.registration.links import StudyLinks
from napari_longiseg.session import Session


class Placing:
    """Brings the selected lesion to one place in all cells, and moves slice and camera.

    Whoever makes it must keep it.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Also a ``ViewerModel``.
    session : Session
        Knows where lesions are.
    cells : callable
        The cells of the viewer, at any time.
    camera : Camera
        Is moved.
    turns : Turns
        When the cells are moved, one after the other: napari takes long for each.

    Attributes
    ----------
    moving : bool
        Whether what napari says of the view at this moment is our doing.
    links : StudyLinks
        Maps between the scans, as far as they are known.

    Signals
    -------
    placed()
        Scans, slice or camera were moved on purpose; what the reader scrolls comes after.
    """

    placed = Signal()

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        session: Session,
        cells: Callable[[], Sequence[Cell]],
        camera: Camera,
        turns: Turns,
    ) -> None:
        self._viewer = viewer
        self._session = session
        self._cells = cells
        self._camera = camera
        self._turns = turns
        self._unplaced: dict[Cell, None] = {}
        self._goal: Point | None = None
        self.moving = False
        self._aligned = True
        self._corrected: dict[tuple[Carry, Point, Point], Carry] = {}
        self.links = StudyLinks()

    @property
    def aligned(self) -> bool:
        """Whether scans are displayed so that the same anatomy meets, or each where it lies."""
        return self._aligned

    @aligned.setter
    def aligned(self, aligned: bool) -> None:
        self._aligned = aligned
        self.align()
        self.go_to_selected()

    # ---- where things are

    def carry(self, source: str, target: str) -> Carry | None:
        """The map between two scans; around the selected lesion it agrees with where that was found."""
        base = self.links.between(source, target)
        selected = self._session.selected
        if base is None or selected is None or source == target:
            return base
        here, there = (self._session.point_on(selected, scan_id) for scan_id in (source, target))
        if here is None or there is None:
            return base
        key = base, here, there
        if key not in self._corrected:
            self._corrected[key] = _through(base, here, there)
        return self._corrected[key]

    def carried(self, source: str, target: str, point_mm: Point) -> Point | None:
        """One point (LPS mm) of a scan on another; None where no map leads there, or it has no value."""
        carry = self.carry(source, target)
        there = None if carry is None else carry([point_mm])[0]
        return as_point(there) if there is not None and np.isfinite(there).all() else None

    def spread(self, source: str, point_mm: Point) -> dict[str, Point]:
        """One point (LPS mm) on all scans to which a map leads from its own, itself included."""
        found = {cell.scan.id: self.carried(source, cell.scan.id, point_mm) for cell in self._cells()}
        return {scan_id: point for scan_id, point in found.items() if point is not None}

    def lesion_points(self, lesion_id: int) -> dict[str, Point]:
        """Where a lesion is on all scans: as the session knows it, else carried from where it was clicked."""
        source = self._session.lesion(lesion_id).source_scan
        known = {cell.scan.id: self._session.point_on(lesion_id, cell.scan.id) for cell in self._cells()}
        points = {scan_id: point for scan_id, point in known.items() if point is not None}
        return self.spread(source, points[source]) | points if source in points else points

    # ---- where they are displayed

    def align(self) -> None:
        """Display the selected lesion at the same place in all cells.

        Without a lesion the scans lie as they are over each other; where maps are known they stay as the
        reader has left them.
        """
        study, selected = self._session.study, self._session.selected
        self._corrected.clear()
        if study is None or (self._aligned and selected is None and not self.links.empty):
            return
        points: dict[str, Point] = {}
        reference = None
        if self._aligned and selected is not None:
            reference = self._session.lesion(selected).source_scan
            points = self.lesion_points(selected)
        self.shift(display_shifts(study, points, reference), reference)

    def centre(self, points: Mapping[str, Point], reference: str) -> None:
        """Display points (LPS mm), by scan id, at one place, where that of *reference* is, and go there."""
        world = self._meet(points, reference)
        self._show(world)
        self._camera.look_at(world)

    def centre_on_lesion(self, lesion_id: int, scan_id: str | None) -> bool:
        """Display a lesion in the middle of all cells, well seen; say whether its place is known anywhere.

        Parameters
        ----------
        lesion_id : int
            The lesion.
        scan_id : str or None
            The scan that stays where it is, where the lesion is known there.
        """
        points = self.lesion_points(lesion_id)
        wanted = (scan_id, self._session.lesion(lesion_id).source_scan)
        reference = next((i for i in (*wanted, *points) if i in points), None)
        if reference is None:
            return False
        self._camera.zoom_to(self._longest_mm(lesion_id))
        self.centre(points, reference)
        return True

    def go_to(self, lesion_id: int, scan_id: str) -> None:
        """Show a lesion on a scan in the middle of its cell, well seen; the others lie as they are."""
        if (world := self._world(lesion_id, scan_id)) is not None:
            self._camera.zoom_to(self._longest_mm(lesion_id))
            self._show(world)
            self._camera.look_at(world)

    def go_to_selected(self) -> None:
        """Move the slice to the selected lesion where it was clicked, and the camera only where it must."""
        selected = self._session.selected
        source = None if selected is None else self._session.lesion(selected).source_scan
        if selected is None or source is None or (world := self._world(selected, source)) is None:
            return
        self._show(world)
        if not self._camera.sees(world):
            self._camera.look_at(world)

    def _meet(self, points: Mapping[str, Point], reference: str) -> Point:
        """Shift the scans so that points meet that of *reference*; say where that is displayed."""
        cells = {cell.scan.id: cell for cell in self._cells()}
        world = cells[reference].to_world(points[reference])
        shifts = {i: as_point(np.subtract(world, point)) for i, point in points.items() if i != reference}
        self.shift(shifts, reference)
        return world

    def _world(self, lesion_id: int, scan_id: str) -> Point | None:
        """Where a lesion on a scan is displayed."""
        cell = next((cell for cell in self._cells() if cell.scan.id == scan_id), None)
        point = self._session.point_on(lesion_id, scan_id)
        return None if cell is None or point is None else cell.to_world(point)

    def shift(self, shifts: Mapping[str, Point], reference: str | None = None) -> None:
        """Display scans elsewhere: one where the view goes at once, each of the others in a turn.

        Parameters
        ----------
        shifts : mapping
            How far from their patient positions (mm, order z, y, x), by scan id; the others stay.
        reference : str, optional
            The scan that the view goes to.
        """
        self._goal = None
        for cell in self._cells():
            cell.shift_mm = shifts.get(cell.scan.id, cell.shift_mm)
            if cell.scan.id == reference:
                cell.place()
            elif not cell.is_placed:
                self._unplaced[cell] = None
                self._turns.soon(self._on_turn)
        self.placed.emit()

    def _on_turn(self) -> None:
        """Move one cell; after the last one napari counts its slices from elsewhere."""
        self.moving = True
        try:
            cell = next(iter(self._unplaced))
            del self._unplaced[cell]
            cell.place()
            if self._unplaced:
                self._turns.soon(self._on_turn)
            else:
                self._cut()
        finally:
            self.moving = False

    def _show(self, world: Point) -> None:
        """Move the slice to a displayed place (mm)."""
        self._goal = world
        self._cut()
        self.placed.emit()

    def _cut(self) -> None:
        """Show the slice nearest to the goal of those that napari counts: it would turn to it afterwards."""
        dims, goal = self._viewer.dims, self._goal
        if goal is None:
            return
        for axis in dims.not_displayed:
            start, _, step = dims.range[axis]
            dims.set_point(axis, start + step * round((goal[axis] - start) / step))

    def _longest_mm(self, lesion_id: int) -> float:
        """Longest axis of a lesion on any scan; 0 where none is known."""
        known = (self._session.finding(lesion_id, cell.scan.id) for cell in self._cells())
        sizes = (finding.measurements for finding in known if finding is not None)
        return max((size.long_axis_mm for size in sizes if size is not None), default=0.0)


def _through(base: Carry, source_mm: Point, target_mm: Point) -> Carry:
    return CorrectedMap(base, [LandmarkPair("the selected lesion", source_mm, target_mm)])  # type: ignore[arg-type]  # only carries points
