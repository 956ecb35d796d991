"""How lesions are tracked: methods, their options, and those of the propagation."""

from __future__ import annotations

from qtpy.QtCore import QSize
from qtpy.QtWidgets import QScrollArea, QVBoxLayout, QWidget
from superqt import QCollapsible

from napari_longiseg._napari.preferences import Preferences
from napari_longiseg._qt.methods.method_box import MethodBox
from napari_longiseg._qt.methods.option_form import option_form
from napari_longiseg.core.methods import (
    DEFAULT_REGISTRATION,
    DEFAULT_SEGMENTER,
    REGISTRATIONS,
    SEGMENTERS,
)
from napari_longiseg.tracking.options import TrackOptions
from napari_longiseg.tracking.setup import TrackSettings

SHOWN = (
    "boosting", "max_distance_mm", "correct_by_landmarks", "learn_from_verified", "correction_radius_mm",
)  # fmt: skip
"""Options of the propagation; the scan to start from is where the reader clicks."""
FORM_HEIGHT = 220
"""Pixels; the forms scroll, so that the window fits a screen of 800 lines with all of them unfolded."""


class _Forms(QScrollArea):
    def sizeHint(self) -> QSize:
        """As high as it is shown: the fold asks for this, not for the fixed height."""
        return QSize(super().sizeHint().width(), FORM_HEIGHT)


class OptionsBox(QCollapsible):
    """Folded at first: the defaults are meant to do."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Methods and options", parent)
        self.registration = MethodBox(REGISTRATIONS, "Registration", DEFAULT_REGISTRATION)
        self.segmenter = MethodBox(SEGMENTERS, "Segmenter", DEFAULT_SEGMENTER)
        self._options = option_form(TrackOptions, only=SHOWN)
        content = QWidget()
        column = QVBoxLayout(content)
        for widget in (self.registration, self.segmenter, self._options.native):
            column.addWidget(widget)
        self._scroll = _Forms()
        self._scroll.setWidget(content)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFixedHeight(FORM_HEIGHT)
        self.setContent(self._scroll)
        self.layout().setContentsMargins(0, 0, 0, 0)
        self.setDuration(0)
        self.setExpandedIcon("▾")
        self.setCollapsedIcon("▸")
        self.collapse(animate=False)

    def expand(self, animate: bool = True) -> None:
        """Show the forms."""
        self._scroll.show()
        super().expand(animate)

    def collapse(self, animate: bool = True) -> None:
        """Hide the forms; a fixed height would keep its place otherwise."""
        super().collapse(animate)
        self._scroll.hide()

    def use(self, preferences: Preferences) -> None:
        """Choose the methods that the user prefers, with their device and VOI."""
        self.registration.prefer(preferences.registration_name, preferences.method_options)
        self.segmenter.prefer(preferences.segmenter_name, preferences.method_options)

    def settings(self) -> TrackSettings:
        """What is chosen now.

        Raises
        ------
        InputError
            When an option has a value that cannot be used.
        """
        options = TrackOptions(**self._options.asdict())
        return TrackSettings(self.registration.choice(), self.segmenter.choice(), options)
