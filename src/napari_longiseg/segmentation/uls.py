"""The single-scan network: the lesion at the click, as in ULS23, in voxels that fit its size.

De Grauw et al., "The ULS23 Challenge" (2024): a VOI around the lesion is the prompt. Ours also sees the
clicks, so that more of them correct the outline.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from napari_longiseg.core.methods import FileName
from napari_longiseg.core.progress import Progress
from napari_longiseg.segmentation._network.engine import check_batch, chosen, engine_info, outlined, prepare
from napari_longiseg.segmentation._network.opinions import asks_another, averaged
from napari_longiseg.segmentation.base import SegmenterInfo, VoiRequest, VoiResult
from napari_longiseg.segmentation.region import RegionSegmenter


@dataclass(frozen=True)
class UlsSegmenter:
    """Outlines the lesion at a click with a network.

    Parameters
    ----------
    weights : str
        A network of yours (network.safetensors of `longiseg train`); empty for the one that comes with the
        package.
    device : str
        auto, cpu or cuda.
    batch : int
        Lesions at once.
    second_opinion : bool
        Where the network is unsure, its outlines from close by and from farther away are averaged with that
        of the method `region`.
    """

    weights: FileName = ""
    device: str = "auto"
    batch: int = 8
    second_opinion: bool = True

    def __post_init__(self) -> None:
        check_batch(self.batch)

    @property
    def info(self) -> SegmenterInfo:
        """What the engine is and wants."""
        return engine_info("uls", chosen(self.weights, "uls")[1])

    def prepare(self, progress: Progress) -> None:
        """Load the weights; errors as :meth:`segment`."""
        prepare("uls", chosen(self.weights, "uls")[0], self.device, progress)

    def segment(self, requests: Sequence[VoiRequest]) -> Iterator[VoiResult]:
        """One result per request, in their order: the surer outline of the two looks, or the mean.

        Raises
        ------
        SegmentationError
            When the device is missing or fails.
        InputError
            When the weights cannot be used.
        """
        path, card = chosen(self.weights, "uls")
        missing = "The network sees no lesion at the click."
        results = outlined(requests, path, card, self.device, self.batch, missing)
        for request, looks in zip(requests, results, strict=True):
            if self.second_opinion and asks_another(request, looks[0]):
                alone = replace(request, prior=None)  # another scan does not count here
                yield averaged([*looks, *RegionSegmenter().segment([alone])])
            else:
                yield looks[0]
