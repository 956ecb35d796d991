"""Which prompts a lesion has, and whether they can be used."""

from __future__ import annotations

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.lesion import Lesion
from napari_longiseg.core.scan import Study
from napari_longiseg.tracking.options import TrackOptions


def check_prompts(study: Study, options: TrackOptions) -> None:
    """Refuse lesions that cannot be tracked, before any work is done.

    Raises
    ------
    InputError
        A lesion without a prompt on its source scan, a click on a scan that is not there or outside of it.
    """
    for lesion in study.lesions:
        source = study.scan(source_id(lesion, options))
        outlined = lesion.source_mask is not None and lesion.source_mask.scan == source.id
        if outlined and lesion.source_mask and lesion.source_mask.mask.is_empty:
            msg = f"The outline of lesion {lesion.id} on {source.id} is empty."
            raise InputError(msg)
        if not outlined and not any(click.positive for click in lesion.clicks_on(source.id)):
            msg = f"Lesion {lesion.id} has neither a positive click nor an outline on {source.id}."
            raise InputError(msg)
        for click in lesion.clicks:
            if not study.scan(click.scan).grid.contains(click.point_mm):
                z, y, x = click.point_mm
                msg = (
                    f"The click of lesion {lesion.id} at x, y, z = {x:.1f}, {y:.1f}, {z:.1f} mm lies "
                    f"outside scan {click.scan}."
                )
                raise InputError(msg)


def source_id(lesion: Lesion, options: TrackOptions) -> str:
    """The scan that a lesion's propagation starts from.

    Raises
    ------
    InputError
        When the lesion has no prompt at all.
    """
    source = options.source or lesion.source_scan
    if source is None:
        msg = f"Lesion {lesion.id} has neither a positive click nor an outline on any scan."
        raise InputError(msg)
    return source
