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


def ask_to_resume(parent: QWidget | None, lesions: int, findings: int) -> bool:
    """Whether to go on with a session that was interrupted, with so many lesions and findings."""
    what = f"Work on these scans was interrupted, with {lesions} lesions and {findings} findings."
    return _ask(parent, "Go on?", f"{what} Go on there?", "Go on", QMessageBox.ButtonRole.AcceptRole)


def ask_to_merge(parent: QWidget | None, what: str) -> bool:
    """Whether two outlines are one lesion, although something, said in *what*, speaks against it."""
    return _ask(parent, "Merge?", f"{what} Merge them all the same?", "Merge")


def ask_to_replace(parent: QWidget | None, what: str) -> bool:
    """Whether a file may be replaced that holds what the sentence *what* says."""
    return _ask(parent, "Replace?", f"{what} Replace it?", "Replace")


def _ask(
    parent: QWidget | None,
    title: str,
    text: str,
    yes: str,
    role: QMessageBox.ButtonRole = QMessageBox.ButtonRole.DestructiveRole,
) -> bool:
    box = QMessageBox(QMessageBox.Icon.Question, title, text, QMessageBox.StandardButton.Cancel, parent)
    go_on = box.addButton(yes, role)
    box.setDefaultButton(QMessageBox.StandardButton.Cancel)
    box.exec()
    answer = box.clickedButton() is go_on
    box.deleteLater()
    return answer
