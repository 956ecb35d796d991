"""Choose a method and its options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from magicgui.widgets import Container
from qtpy.QtWidgets import QComboBox, QFormLayout, QLabel, QVBoxLayout, QWidget

from napari_longiseg._qt.methods.option_form import option_form, values_of
from napari_longiseg.core.errors import LongisegError
from napari_longiseg.core.methods import available, method_class
from napari_longiseg.tracking.setup import MethodChoice


class MethodBox(QWidget):
    """A list of the installed methods of a group, and the chosen one's options below.

    Parameters
    ----------
    group : str
        Entry point group.
    label : str
        What stands before the list.
    preferred : str
        Chosen at first, where it is installed.
    """

    def __init__(self, group: str, label: str, preferred: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._group = group
        self._form: Container[Any] | None = None
        self._preferred = preferred
        self._usual: dict[str, Any] = {}
        self._names = QComboBox()
        self._names.addItems(list(available(group)))
        self._note = QLabel()
        self._note.setWordWrap(True)
        self._note.hide()
        self._lay_out(label)
        self._names.currentTextChanged.connect(self._on_name)
        self._names.setCurrentText(preferred)
        self._on_name(self._names.currentText())

    def choice(self) -> MethodChoice:
        """The method with its options as they are in the form."""
        options = values_of(self._form) if self._form is not None else {}
        return MethodChoice(self._names.currentText(), options)

    def prefer(self, name: str, usual: Mapping[str, Any]) -> None:
        """Choose what the user prefers; what they prefer as before stays as it is in the form.

        Parameters
        ----------
        name : str
            Of the method.
        usual : mapping
            Values of options by name, for the methods that have them.
        """
        changed = {key: value for key, value in usual.items() if self._usual.get(key) != value}
        self._usual = dict(usual)
        if name != self._preferred:
            self._preferred = name
            self._names.setCurrentText(name)
        self._fill(changed)

    def _lay_out(self, label: str) -> None:
        row = QFormLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.addRow(label, self._names)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.addLayout(row)
        self._column.addWidget(self._note)

    def _on_name(self, name: str) -> None:
        if self._form is not None:
            self._column.removeWidget(self._form.native)
            self._form.native.hide()
            self._form.close()
            self._form = None
        self._note.hide()
        try:
            form = option_form(method_class(self._group, name))
        except LongisegError as error:
            self._note.setText(str(error))
            self._note.show()
            return
        if len(form):
            self._form = form
            self._fill(self._usual)
            self._column.addWidget(form.native)

    def _fill(self, values: Mapping[str, Any]) -> None:
        """Put values into the fields of these names, where the form has such."""
        for field in self._form or ():
            if field.name in values:
                field.value = values[field.name]
