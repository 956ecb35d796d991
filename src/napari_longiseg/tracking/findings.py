"""From a prompt on one scan to a finding."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from napari_longiseg.core.components import deepest_point, nearest_component
from napari_longiseg.core.geometry import Point
from napari_longiseg.core.lesion import BoxPrompt, Click, Finding, LesionMask, Presence
from napari_longiseg.core.measure import measure
from napari_longiseg.core.scan import Scan
from napari_longiseg.segmentation.base import Prior, Segmenter, VoiRequest, VoiResult
from napari_longiseg.tracking.doubts import doubt_of
from napari_longiseg.tracking.options import TrackOptions
from napari_longiseg.tracking.voi import clipped_to, mask_on_scan, voi_request

AT_ONCE = 8
"""VOIs in memory at a time; large ones have tens of megabytes each."""


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """What to look for on one scan.

    Attributes
    ----------
    draft : Finding
        The finding as far as it is known before segmentation; its ``point_mm`` is where to look.
    clicks : tuple of Click
        At least one positive.
    prior : callable or None
        Cuts the lesion out of the source scan; called when its turn comes.
    tolerance_mm : float
        How far the lesion may lie from the clicks.
    box : BoxPrompt or None
        What bounds the lesion.
    """

    draft: Finding
    clicks: tuple[Click, ...]
    prior: Callable[[], Prior] | None = None
    tolerance_mm: float = 0.0
    box: BoxPrompt | None = None

    @property
    def point_mm(self) -> Point:
        """Where to look: the first positive click."""
        return next(click.point_mm for click in self.clicks if click.positive)

    def request(self, scan: Scan, segmenter: Segmenter) -> VoiRequest:
        """What the engine gets."""
        prior = self.prior() if self.prior else None
        return voi_request(
            scan, self.draft.lesion, self.clicks, segmenter.info, prior, self.tolerance_mm, self.box
        )

    def moved(self, point_mm: Point) -> Prompt:
        """The same lesion, looked for from its centre."""
        rest = tuple(click for click in self.clicks if not click.positive)
        clicks = (Click(self.draft.scan, point_mm), *rest)
        return replace(self, clicks=clicks, tolerance_mm=0.0)


def find(
    scan: Scan, prompts: Sequence[Prompt], segmenter: Segmenter, options: TrackOptions
) -> Iterator[Finding]:
    """Segment several lesions of one scan; one finding per prompt, in their order."""
    for part in (prompts[i : i + AT_ONCE] for i in range(0, len(prompts), AT_ONCE)):
        requests = [prompt.request(scan, segmenter) for prompt in part]
        for prompt, request, result in zip(part, requests, segmenter.segment(requests), strict=True):
            finding = _finding(scan, prompt, request, result, segmenter, options)
            if options.boosting and finding.mask is not None and finding.point_mm is not None:
                finding = _boosted(scan, prompt.moved(finding.point_mm), finding, segmenter, options)
            yield finding


def with_mask(finding: Finding, mask: LesionMask, scan: Scan) -> Finding:
    """The finding with this mask, its point and measurements; the lesion is present."""
    grid = mask.grid(scan.grid)
    return replace(
        finding,
        presence=Presence.PRESENT,
        mask=mask,
        point_mm=deepest_point(mask.voxels, grid),
        measurements=measure(mask.voxels, grid, scan.image[mask.box.slices]),
    )


def _boosted(
    scan: Scan, prompt: Prompt, first: Finding, segmenter: Segmenter, options: TrackOptions
) -> Finding:
    request = prompt.request(scan, segmenter)
    (result,) = segmenter.segment([request])
    again = _finding(scan, prompt, request, result, segmenter, options)
    return again if again.mask is not None else first


def _finding(
    scan: Scan,
    prompt: Prompt,
    request: VoiRequest,
    result: VoiResult,
    segmenter: Segmenter,
    options: TrackOptions,
) -> Finding:
    """Keep the component nearest to the point, or say why there is none."""
    draft = replace(
        prompt.draft, segmenter=segmenter.info.name, confidence=result.confidence, reason=result.reason
    )
    mask, box = mask_on_scan(result, request.grid, scan)
    if prompt.box is not None:
        mask = clipped_to(prompt.box, mask, box, scan)
    component, distance = nearest_component(mask, scan.grid.crop(box), prompt.point_mm)
    # A box says better than a distance what belongs to the lesion; its middle may lie beside it.
    if distance <= options.max_distance_mm or (prompt.box is not None and mask.any()):
        outline = LesionMask.of(component, box)
        return with_mask(replace(draft, reason=result.reason or doubt_of(outline, scan)), outline, scan)
    if not mask.any():
        reason = result.reason or "Nothing there stands out from its surroundings."
    else:
        reason = (
            f"The nearest structure lies {distance:.0f} mm from the expected point, beyond the limit of "
            f"{options.max_distance_mm:g} mm."
        )
    return replace(draft, presence=Presence.NOT_FOUND, reason=reason)
