"""What a user has chosen in napari's Preferences; the page itself is declared in ``napari.yaml``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from napari_longiseg._napari.layers.headings import DATE_COLOURS
from napari_longiseg.core.methods import (
    DEFAULT_REGISTRATION,
    DEFAULT_SEGMENTER,
    REGISTRATIONS,
    SEGMENTERS,
    available,
)
from napari_longiseg.models import registry

PLUGIN = "napari-longiseg"
VERIFY, STRAIGHT = "Verify the points first", "Segment straight away"
"""How lesions are tracked: as the page says it."""

HEX = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True)
class Preferences:
    """Choices that hold for every study; those of one run are in the panel.

    Attributes
    ----------
    mode : str
        :data:`VERIFY` or :data:`STRAIGHT`.
    registration, segmenter : str
        Of this package.
    other_registration, other_segmenter : str
        Of other packages, in place of these; empty for none.
    device : str
        Where networks and registrations work: auto, cpu or cuda.
    voi_mm : float
        Edge of the cube around a click that segmenters with a VOI of their own choice look at.
    date_colours : str
        One ``#rrggbb`` per date, from the first on, with commas between.
    autosave : bool
        Whether the session is saved by itself.
    autosave_s : int
        Seconds from one time to the next.
    model_folder : str
        Where weights are kept; empty for the user's data folder.
    """

    mode: str = VERIFY
    registration: str = DEFAULT_REGISTRATION
    other_registration: str = ""
    segmenter: str = DEFAULT_SEGMENTER
    other_segmenter: str = ""
    device: str = "auto"
    voi_mm: float = 120.0
    date_colours: str = field(default=", ".join(DATE_COLOURS))
    autosave: bool = True
    autosave_s: int = 60
    model_folder: str = ""

    @property
    def straight(self) -> bool:
        """Whether all scans are outlined at once, without waiting for a reader to accept the points."""
        return self.mode == STRAIGHT

    @property
    def registration_name(self) -> str:
        """The registration to begin with: installed, unless nothing is."""
        return _installed(REGISTRATIONS, self.other_registration, self.registration)

    @property
    def segmenter_name(self) -> str:
        """The segmenter to begin with: installed, unless nothing is."""
        return _installed(SEGMENTERS, self.other_segmenter, self.segmenter)

    @property
    def method_options(self) -> Mapping[str, Any]:
        """Options of methods by name; each method takes those that it has."""
        return {"device": self.device, "voi_mm": self.voi_mm}

    @property
    def colours_of_dates(self) -> tuple[str, ...]:
        """``#rrggbb`` per date, at least six; where the user's is no colour, the usual one."""
        chosen = [part.strip() for part in self.date_colours.split(",")]
        rest = DATE_COLOURS[len(chosen) :]
        usual = [DATE_COLOURS[i % len(DATE_COLOURS)] for i in range(len(chosen))]
        return (*(a if HEX.fullmatch(a) else b for a, b in zip(chosen, usual, strict=True)), *rest)

    @property
    def doubts(self) -> tuple[str, ...]:
        """What cannot be done as the user wants it, one sentence each."""
        parts = [part.strip() for part in self.date_colours.split(",")]
        wrong = [part for part in parts if part and not HEX.fullmatch(part)]
        sentences = [f"{part!r} in the colours of dates is no colour such as #4aa8ff." for part in wrong]
        for group, name in ((REGISTRATIONS, self.other_registration), (SEGMENTERS, self.other_segmenter)):
            if name and name not in available(group):
                known = ", ".join(available(group))
                sentences.append(f"The preferred method {name!r} is not installed; there are {known}.")
        return tuple(sentences)

    def use_model_folder(self) -> None:
        """Look for weights in the chosen folder from now on."""
        registry.choose_folder(self.model_folder)


def preferences() -> Preferences:
    """What is chosen now; the defaults where napari keeps no settings for this plugin."""
    page = _page()
    if page is None:
        return Preferences()
    return Preferences(
        **{one.name: getattr(_holder(page, one.name), one.name) for one in fields(Preferences)}
    )


def watch(callback: Callable[[Preferences], None]) -> Callable[[], None]:
    """Be told of every change.

    Parameters
    ----------
    callback : callable
        Gets all preferences as they are after the change.

    Returns
    -------
    callable
        Ends it; may be called more than once.
    """
    page = _page()
    if page is None:
        return lambda: None

    def on_change(_: Any) -> None:  # noqa: ANN401 - napari's event
        callback(preferences())

    page.events.changed.connect(on_change)
    return lambda: page.events.changed.disconnect(on_change)


def _page() -> Any:  # noqa: ANN401 - a model that napari makes of the manifest
    from napari.settings import get_plugin_settings

    try:
        return get_plugin_settings(PLUGIN)
    except KeyError:  # napari has not found the plugin, or the user has switched it off
        return None


def _holder(page: Any, name: str) -> Any:  # noqa: ANN401
    """The part of the page that has an entry."""
    return next(part for part in (page.tracking, page.display, page.files) if hasattr(part, name))


def _installed(group: str, *wanted: str) -> str:
    """The first of the wanted methods that is installed, else any."""
    names = list(available(group))
    return next((name for name in (*wanted, *names) if name in names), "")
