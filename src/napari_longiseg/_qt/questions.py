"""Questions that must be answered before something is lost; tests answer in their place."""

from __future__ import annotations

from qtpy.QtWidgets import QMessageBox, QWidget


def ask_to_discard(parent: QWidget | None, what: str) -> bool:
    """Whether something may be lost.

    Parameters
    ----------
    parent : QWidget or None
        Over which the question is shown.
    what : str
        What would be lost, as a full sentence: "Study P01 has 3 findings that were not saved."
    """
    return _ask(parent, "Discard?", f"{what} Go on without saving?", "Discard")


def ask_to_replace(parent: QWidget | None, what: str) -> bool:
    """Whether one thing may take the place of another.

    Parameters
    ----------
    what : str
        What is there now, as a full sentence: "Another panel works in this window."
    """
    return _ask(parent, "Replace?", f"{what} Go on here instead?", "Go on here")


def _ask(parent: QWidget | None, title: str, text: str, yes: str) -> bool:
    box = QMessageBox(QMessageBox.Icon.Question, title, text, QMessageBox.StandardButton.Cancel, parent)
    go_on = box.addButton(yes, QMessageBox.ButtonRole.DestructiveRole)
    box.setDefaultButton(QMessageBox.StandardButton.Cancel)
    box.exec()
    answer = box.clickedButton() is go_on
    box.deleteLater()
    return answer
