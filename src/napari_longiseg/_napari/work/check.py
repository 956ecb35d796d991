"""Check a registration in the engine's thread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from napari_longiseg.core.lesion import Finding
from napari_longiseg.core.methods import REGISTRATIONS, create
from napari_longiseg.core.progress import Progress, scaled
from napari_longiseg.core.scan import Study
from napari_longiseg.registration.base import bound_to
from napari_longiseg.registration.cache import RegistrationCache
from napari_longiseg.registration.check import RegistrationCheck, check_registration
from napari_longiseg.tracking.pairs import PairMaps
from napari_longiseg.tracking.setup import TrackSettings


@dataclass(frozen=True)
class CheckTask:
    """Align two scans and bring one to the other, to be looked at.

    Attributes
    ----------
    study : Study
        The scans, with all lesions.
    findings : tuple of Finding
        What is known of them, which may correct the map.
    source, target : str
        Ids of the scans.
    settings : TrackSettings
        As for tracking; the method is made in the thread, since this may import torch or SimpleITK.
    cache : RegistrationCache
        That of tracking: a pair is aligned once.
    """

    study: Study
    findings: tuple[Finding, ...]
    source: str
    target: str
    settings: TrackSettings
    cache: RegistrationCache

    def __call__(self, progress: Progress) -> Iterator[RegistrationCheck]:
        """Yield the check."""
        progress("Starting", 0.0)
        choice = self.settings.registration
        method = bound_to(create(REGISTRATIONS, choice.name, **choice.options), self.study)
        maps = PairMaps.of(method, self.cache, self.study, self.settings.options, self.findings)
        source, target = self.study.scan(self.source), self.study.scan(self.target)
        point_map = maps.whole(source, target, scaled(progress, 0.0, 0.7))
        check = check_registration(point_map, source, target, scaled(progress, 0.7, 1.0))
        yield replace(check, method=choice.name)
