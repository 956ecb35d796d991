"""The keys of the workbench: which there are, and how they are lent from a viewer and given back.

The single letters are those that napari 0.9 leaves free on a viewer; Y alone is taken by image layers (it
turns a clipping plane), whose keys win over the viewer's, and so is bound on these, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import napari.viewer
from napari.utils.key_bindings import coerce_keybinding


@dataclass(frozen=True, slots=True)
class KeyAction:
    """What one key does.

    Attributes
    ----------
    key : str
        As napari spells it: ``J``, ``Shift-U``.
    name : str
        Of the action, for the handlers of :func:`bind_keys`.
    text : str
        What the reader is told that it does.
    group : str
        Heading that it stands under.
    """

    key: str
    name: str
    text: str
    group: str


KEYS = (
    KeyAction("J", "next_lesion", "Next lesion", "Lesions"),
    KeyAction("K", "previous_lesion", "Previous lesion", "Lesions"),
    KeyAction("N", "new_lesion", "New lesion", "Lesions"),
    KeyAction("Y", "accept", "Accept, and go to the next unreviewed", "Review"),
    KeyAction("Shift-Y", "next_unreviewed", "Next unreviewed, without accepting", "Review"),
    KeyAction("Q", "polarity", "Clicks positive or negative", "Review"),
    KeyAction("U", "undo", "Undo", "Review"),
    KeyAction("Shift-U", "redo", "Redo", "Review"),
    KeyAction("G", "go_to_lesion", "Centre all scans on the lesion", "View"),
    KeyAction("Shift-G", "go_to_cursor", "Centre all scans on the mouse", "View"),
    KeyAction("H", "next_outlines", "Outlines as lines, hidden, filled", "View"),
    KeyAction("W", "next_window", "Next CT window", "View"),
    KeyAction("F1", "help", "This list", "View"),
)


def bind_keys(viewer: napari.viewer.Viewer, handlers: Mapping[str, Callable[[], None]]) -> Callable[[], None]:
    """Bind the keys of a viewer, now and on layers that come later.

    napari sends a key on from wherever it was pressed and not used: one typed into a text field stays
    there. A panel that binds the keys of a viewer takes them over from the panel before.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Also a ``ViewerModel``.
    handlers : mapping
        Name of an action of :data:`KEYS` to what it does; keys without a handler are left alone.

    Returns
    -------
    callable
        Gives all keys back to whoever had them before; may be called more than once.
    """
    return _Loan(viewer, handlers).release


class _Loan:
    """The keys that one panel has taken from a viewer and its layers, and what they did before.

    It lives as long as somebody holds its ``release``, or a viewer has its keys.
    """

    def __init__(self, viewer: napari.viewer.Viewer, handlers: Mapping[str, Callable[[], None]]) -> None:
        self._viewer = viewer
        self._presses = {
            coerce_keybinding(key.key): _press(handlers[key.name], self)
            for key in KEYS
            if key.name in handlers
        }
        self._taken: list[tuple[Any, Any, Any]] = []
        for holder in [getattr(press, "loan", None) for press in list(viewer.keymap.values())]:
            if isinstance(holder, _Loan):
                holder.release()
        self._take(viewer, self._presses)
        for layer in viewer.layers:
            self._take_from_layer(layer)
        viewer.layers.events.inserted.connect(self._on_inserted)
        viewer.layers.events.removed.connect(self._on_removed)
        self._released = False

    def release(self) -> None:
        """Give the keys back; a key that somebody has bound in the meantime stays theirs."""
        if self._released:
            return
        self._released = True
        self._viewer.layers.events.inserted.disconnect(self._on_inserted)
        self._viewer.layers.events.removed.disconnect(self._on_removed)
        self._give_back(self._taken)
        self._taken = []

    def _take(self, owner: Any, keys: Iterable[Any]) -> None:  # noqa: ANN401 - a viewer or a layer
        for key in keys:
            before = owner.bind_key(key, self._presses[key], overwrite=True)
            self._taken.append((owner, key, before))

    def _give_back(self, taken: Iterable[tuple[Any, Any, Any]]) -> None:
        for owner, key, before in taken:
            if getattr(owner.keymap.get(key), "loan", None) is self:
                owner.bind_key(key, before, overwrite=True)

    def _take_from_layer(self, layer: Any) -> None:  # noqa: ANN401 - may be a proxy of a layer
        """Take those keys that layers of this kind have of their own."""
        kinds = [getattr(kind, "class_keymap", {}) for kind in layer.__class__.__mro__]
        self._take(layer, [key for key in self._presses if any(key in keymap for keymap in kinds)])

    def _on_inserted(self, event: Any) -> None:  # noqa: ANN401 - napari's event
        self._take_from_layer(event.value)

    def _on_removed(self, event: Any) -> None:  # noqa: ANN401 - napari's event
        """Let go of a layer, and of its voxels with it."""
        gone = [one for one in self._taken if getattr(one[0], "unique_id", None) == event.value.unique_id]
        self._give_back(gone)
        self._taken = [one for one in self._taken if one not in gone]


def _press(handler: Callable[[], None], loan: _Loan) -> Callable[[Any], None]:
    """What napari calls, with the viewer or the layer that the key was bound on."""

    def press(_: Any) -> None:  # noqa: ANN401
        handler()

    press.loan = loan  # type: ignore[attr-defined]  # how a later panel finds who has the keys
    return press
