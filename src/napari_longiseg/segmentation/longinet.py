"""LongiNet: the lesion at the carried point, seen beside the same lesion on the source scan.

Rocholl, Smit, Hering, "LongiNet" (2025). On the source scan itself there is nothing to compare with; there
its single-scan sibling outlines the lesion, as well as where a reader's own click is not confirmed.

LongiNet says whether the lesion is there. Its outline leans to that of the source scan where a lesion has
grown or shrunk much; two methods that hardly look there make up for that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from napari_longiseg.core.methods import FileName
from napari_longiseg.core.progress import Progress
from napari_longiseg.segmentation._network.engine import check_batch, chosen, engine_info, outlined, prepare
from napari_longiseg.segmentation._network.opinions import averaged
from napari_longiseg.segmentation._replies import is_outlined
from napari_longiseg.segmentation.base import SegmenterInfo, VoiRequest, VoiResult
from napari_longiseg.segmentation.region import RegionSegmenter
from napari_longiseg.segmentation.uls import UlsSegmenter


@dataclass(frozen=True)
class LongiNetSegmenter:
    """Outlines a lesion on a scan with the lesion on another scan in view.

    Parameters
    ----------
    weights : str
        A LongiNet of yours (network.safetensors of `longiseg train`); empty for the one that comes with the
        package.
    single_weights : str
        A single-scan network for the source scan; empty for the one that comes with the package.
    device : str
        auto, cpu or cuda.
    batch : int
        Lesions at once.
    second_opinion : bool
        Outlines are averaged with those of the single-scan network and of the method `region`.
    """

    weights: FileName = ""
    single_weights: FileName = ""
    device: str = "auto"
    batch: int = 8
    second_opinion: bool = True

    def __post_init__(self) -> None:
        check_batch(self.batch)

    @property
    def info(self) -> SegmenterInfo:
        """What the engine is and wants."""
        return engine_info("longinet", chosen(self.weights, "longinet")[1])

    def prepare(self, progress: Progress) -> None:
        """Load the weights of both networks; errors as :meth:`segment`."""
        prepare("longinet", chosen(self.weights, "longinet")[0], self.device, progress)
        self._single.prepare(progress)

    def segment(self, requests: Sequence[VoiRequest]) -> Iterator[VoiResult]:
        """One result per request, in their order.

        Raises
        ------
        SegmentationError
            When the device is missing or fails.
        InputError
            When weights cannot be used.
        """
        path, card = chosen(self.weights, "longinet")
        missing = "LongiNet sees nothing of the lesion there: it is gone, or too small to be seen."
        compared = [request for request in requests if _has_prior(request)]
        pairs = outlined(compared, path, card, self.device, self.batch, missing)
        found = {id(request): result for request, (result,) in zip(compared, pairs, strict=True)}
        alone = [request for request in requests if _is_alone(request, found.get(id(request)))]
        if alone:
            single = self._single.segment(alone)
            found |= {id(request): result for request, result in zip(alone, single, strict=True)}
        if self.second_opinion:
            found |= self._averaged([one for one in compared if one not in alone], found)
        for request in requests:
            yield found[id(request)]

    @property
    def _single(self) -> UlsSegmenter:
        return UlsSegmenter(self.single_weights, self.device, self.batch, self.second_opinion)

    def _averaged(
        self, requests: Sequence[VoiRequest], found: Mapping[int, VoiResult]
    ) -> dict[int, VoiResult]:
        """What LongiNet has found with what the others outline there, by the requests' identities."""
        seen = [request for request in requests if is_outlined(found[id(request)])]
        # Theirs too must look like the lesion of the prior, or they have no say.
        single = replace(self._single, second_opinion=False)
        others = zip(single.segment(seen), RegionSegmenter().segment(seen), strict=True)
        return {
            id(request): averaged([found[id(request)], *both])
            for request, both in zip(seen, others, strict=True)
        }


def _has_prior(request: VoiRequest) -> bool:
    return request.prior is not None and bool(request.prior.mask.any())


def _is_alone(request: VoiRequest, result: VoiResult | None) -> bool:
    """No prior, or a reader clicked where LongiNet sees nothing."""
    return result is None or (request.tolerance_mm == 0 and not is_outlined(result))
