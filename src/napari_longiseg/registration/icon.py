"""The learned registrations uniGradICON, multiGradICON and LungGradICON; the user brings their weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.components import Mask
from napari_longiseg.core.errors import InputError, RegistrationError
from napari_longiseg.core.methods import FileName, FolderName
from napari_longiseg.core.progress import Progress, scaled
from napari_longiseg.core.scan import Scan
from napari_longiseg.models import registry
from napari_longiseg.registration.base import MapReport
from napari_longiseg.registration.maps import TransformMap
from napari_longiseg.registration.quality import Quality, require_one_patient
from napari_longiseg.registration.transforms import State, Transform, unpack

Masks = tuple[Mask | None, Mask | None]
"""Of the source and the target, each on its scan's grid."""


class IconMap(TransformMap):
    """A map of points that also says what the network was shown.

    Parameters
    ----------
    transform, quality
        Of the two scans.
    remarks : MapReport
        What goes before the quality's own report.
    """

    def __init__(self, transform: Transform, quality: Quality, remarks: MapReport) -> None:
        super().__init__(transform, quality)
        self._remarks = remarks

    @property
    def report(self) -> MapReport:
        """What the network was shown, and how well the scans agree."""
        found = super().report
        return MapReport(
            f"{self._remarks.summary} {found.summary}".strip(), f"{self._remarks.doubt} {found.doubt}".strip()
        )

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays that the map is made of."""
        return super().state() | {"remarks": np.array([self._remarks.summary, self._remarks.doubt])}

    @classmethod
    def of_state(cls, state: State) -> IconMap:
        """The map whose :meth:`state` this is; KeyError or ValueError where it is none."""
        summary, doubt = (str(text) for text in state["remarks"])
        return cls(unpack(state), Quality.of_state(state), MapReport(summary, doubt))


@dataclass(frozen=True)
class IconRegistration:
    """What the three registrations have in common.

    The scans are first aligned by an affine map, and the network sees what both show, squeezed into
    175 x 175 x 175 cells. One pass gives the displacement of every cell; points between cells are
    interpolated. It takes the package's extra ``icon``, and weights (``longiseg models``).

    Attributes
    ----------
    device : str
        ``"auto"`` for a CUDA device where there is one, else a torch device such as ``"cpu"``. One pass
        takes some 15 s and 3 GB on two CPU cores.
    weights : str
        A file of weights; empty for the one in the folder of ``longiseg models``.
    instance_steps : int
        Steps of further fitting of the weights to the pair at hand; the authors take 50. Needs a CUDA device
        with 12 GB.
    instance_on_cpu : bool
        Allow the further fitting on a CPU all the same: some 2 minutes a step, and 11 GB.

    Raises
    ------
    InputError
        When an option is out of its range.
    """

    device: str = "auto"
    weights: FileName = ""
    instance_steps: int = 0
    instance_on_cpu: bool = False

    name: ClassVar[str]
    _edge: ClassVar[int] = 175
    _window_hu: ClassVar[tuple[float, float]] = (-1000.0, 1000.0)
    _dark_outside: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.instance_steps < 0:
            msg = "The steps of further fitting must be none or more."
            raise InputError(msg)

    @property
    def version(self) -> str:
        """Counts the changes of this code, and tells the files apart that it uses."""
        chosen = Path(self.weights) if self.weights else registry.path_of(self.name)
        return f"1 {_stamp(chosen)}"

    def align(self, source: Scan, target: Scan, progress: Progress) -> IconMap:
        """Align *source* to *target*.

        Raises
        ------
        RegistrationError
            When the scans are too small, have too little in common or do not show the same part of one
            patient, when weights would be fitted further on a CPU, or when torch fails (its device is
            missing or out of memory).
        InputError
            When a file of weights or masks cannot be used.
        MissingMethodError
            When there are no weights, or the extra ``icon`` is not installed.
        Cancelled
            From *progress*.
        """
        stage = f"Aligning {source.id} to {target.id}"
        progress(stage, 0.0)
        from napari_longiseg.registration._icon.images import Window
        from napari_longiseg.registration._icon.lungs import within
        from napari_longiseg.registration._icon.network import load_network
        from napari_longiseg.registration._icon.run import Recipe, ask
        from napari_longiseg.registration._torch.align import FINE_MM, align_affine, load_pair
        from napari_longiseg.registration._torch.compare import compare
        from napari_longiseg.registration._torch.device import torch_device, torch_errors

        recipe = Recipe(Window(*self._window_hu), self._dark_outside, self.instance_steps)
        with torch_errors():
            device = torch_device(self.device)
            self._check_cost(device.type)
            weights = Path(self.weights) if self.weights else registry.find(self.name)
            progress(f"Loading weights of {self.name}", 0.0)
            network = load_network(weights, self._edge, device)
            pair = load_pair(source, target, FINE_MM, device, scaled(progress, 0.02, 0.1))
            affine = align_affine(pair, scaled(progress, 0.1, 0.2), stage)
            (first, second), remarks = self._look_at(source, target, scaled(progress, 0.2, 0.25))
            asking = scaled(progress, 0.25, 0.95)
            transform = ask(network, (source, first), (target, second), affine, recipe, asking)
            agreement = compare(pair.source, pair.target, transform)
        agreement = agreement if first is None else within(agreement, first, source.grid)
        quality = Quality.of(agreement, source, target)
        require_one_patient(quality, source, target)
        progress(stage, 1.0)
        return IconMap(transform, quality, remarks)

    def restore(self, state: State, source: Scan, target: Scan) -> IconMap:
        """The map that was kept; KeyError or ValueError where it is none."""
        return IconMap.of_state(state)

    def _check_cost(self, device_type: str) -> None:
        if self.instance_steps and device_type == "cpu" and not self.instance_on_cpu:
            msg = (
                "On a CPU each step of further fitting takes some 2 minutes and 11 GB; use a CUDA device, "
                "set instance_steps to 0, or allow it with instance_on_cpu."
            )
            raise RegistrationError(msg)

    def _look_at(self, source: Scan, target: Scan, progress: Progress) -> tuple[Masks, MapReport]:
        """Where the network shall look on either scan, and what to say about it."""
        return (None, None), MapReport("")


@dataclass(frozen=True)
class UnigradiconRegistration(IconRegistration):
    """Aligns CT scans by uniGradICON (Tian et al., MICCAI 2024), a network for many parts of the body.

    Its input is clamped to -1000 ... 1000 HU.
    """

    name: ClassVar[str] = "unigradicon"


@dataclass(frozen=True)
class MultigradiconRegistration(IconRegistration):
    """Aligns CT scans by multiGradICON (Demir et al., WBIR 2024): uniGradICON trained on unlike images.

    Its input is clamped to -1000 ... 1000 HU.
    """

    name: ClassVar[str] = "multigradicon"


@dataclass(frozen=True)
class LunggradiconRegistration(IconRegistration):
    """Aligns lungs by GradICON's network for them (Tian et al., CVPR 2023).

    Its input is clamped to -1000 ... 0 HU, and 0 outside the lungs. The error of points elsewhere is not
    known. Where no lungs are found on one of the scans, the network sees both as they are, and the map's
    report says so.

    Attributes
    ----------
    lungs : str
        A folder with a label image of the lungs for every scan, called as the scan (``T0.nii.gz``), where
        all labels but 0 are lung; empty to find the lungs by their density.
    """

    lungs: FolderName = ""

    name: ClassVar[str] = "lunggradicon"
    _window_hu: ClassVar[tuple[float, float]] = (-1000.0, 0.0)
    _dark_outside: ClassVar[bool] = False

    @property
    def version(self) -> str:
        """Counts the changes of this code, and tells the files apart that it uses."""
        files = sorted(Path(self.lungs).glob("*")) if self.lungs else []
        return " ".join([super().version, *(f"{file.name} {_stamp(file)}" for file in files)])

    def _look_at(self, source: Scan, target: Scan, progress: Progress) -> tuple[Masks, MapReport]:
        from napari_longiseg.registration._icon.lungs import lungs_of

        masks, statements = [], []
        for number, scan in enumerate((source, target)):
            progress(f"Finding the lungs of {scan.id}", number / 2)
            mask, statement = lungs_of(scan, self.lungs)
            masks.append(mask)
            statements.append(statement)
        first, second = masks
        if first is None or second is None:
            doubt = "The network saw the scans without lung masks, which it was not made for."
            return (None, None), MapReport("", " ".join([*statements, doubt]))
        return (first, second), MapReport(" ".join(statements))


def _stamp(file: Path) -> str:
    """Changes when a file does."""
    try:
        found = file.stat()
    except OSError:
        return "missing"
    return f"{found.st_size}-{found.st_mtime_ns}"
