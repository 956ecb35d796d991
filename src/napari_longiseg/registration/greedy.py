"""Greedy, a classical diffeomorphic registration; an optional package."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.ndimage import binary_erosion

from napari_longiseg.core.errors import InputError, MissingMethodError
from napari_longiseg.core.progress import Progress, scaled
from napari_longiseg.core.resample import Float32
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration.maps import TransformMap
from napari_longiseg.registration.quality import assess, require_one_patient
from napari_longiseg.registration.transforms import Affine, Chain, Displacement, State

if TYPE_CHECKING:
    from napari_longiseg.registration._itk.run import Tick
    from napari_longiseg.registration._torch.pair import Pair

AFFINE = "-d 3 -a -dof 12 -i fixed.nrrd moving.nrrd -gm body.nrrd -ia start.mat -o affine.mat"
DEFORMABLE = "-d 3 -i fixed.nrrd moving.nrrd -gm body.nrrd -it affine.mat -o warp.nrrd -wp 0"
SHARED = "-bg NaN -seed 1 -jitter 0 -V 0"
"""Places beyond the target are left out, nothing is drawn at random, no table of iterations is printed. Two
runs still differ by some 0.1 mm within the body, since the order in which threads add up does."""


@dataclass(frozen=True)
class GreedyRegistration:
    """Aligns two CT scans of one patient by greedy (Yushkevich et al., 2016; the package picsl-greedy).

    Shifts are searched exhaustively and made affine by mutual information at 12 mm; from there greedy fits
    an affine map and displacements, both by local normalised cross-correlation.

    Attributes
    ----------
    spacing_mm : float
        Voxel size of the finest level; each coarser one has twice as much.
    iterations : str
        Of the displacements at each level, coarse to fine, such as 60x40x15.
    smoothing : float
        Of each step of the displacements: standard deviation in voxels. More makes them stiffer.
    radius : int
        Of the correlation's boxes, in voxels.

    Raises
    ------
    MissingMethodError
        When picsl-greedy is not installed.
    InputError
        When an option is out of its range.
    """

    spacing_mm: float = 4.0
    iterations: str = "60x40x15"
    smoothing: float = 2.0
    radius: int = 2

    name: ClassVar[str] = "greedy"
    version: ClassVar[str] = "1"

    def __post_init__(self) -> None:
        if find_spec("picsl_greedy") is None:
            msg = "greedy needs picsl-greedy; install it with pip install 'napari-longiseg[greedy]'."
            raise MissingMethodError(msg)
        if not 1.0 <= self.spacing_mm <= 12.0 or self.smoothing <= 0 or self.radius < 1:
            msg = "greedy needs voxels of 1 to 12 mm, some smoothing, and boxes of 1 voxel or more."
            raise InputError(msg)
        levels = self.iterations.split("x")
        if not all(level.isdecimal() for level in levels) or not 1 <= len(levels) <= 4:
            msg = f"The iterations of greedy look like 60x40x15, coarse to fine, not {self.iterations!r}."
            raise InputError(msg)

    def align(self, source: Scan, target: Scan, progress: Progress) -> TransformMap:
        """Align *source* to *target*.

        Raises
        ------
        RegistrationError
            When a scan is too small, when they do not show the same part of one patient, or when greedy,
            ITK or torch fail.
        Cancelled
            From *progress*, asked ten times a second.
        """
        stage = f"Aligning {source.id} to {target.id}"
        progress(stage, 0.0)
        from napari_longiseg.registration._itk.run import itk_errors
        from napari_longiseg.registration._torch.align import load_pair
        from napari_longiseg.registration._torch.device import torch_device, torch_errors

        with torch_errors():
            pair = load_pair(source, target, self.spacing_mm, torch_device("cpu"), scaled(progress, 0.0, 0.1))
        work = scaled(progress, 0.1, 0.95)
        with itk_errors(), tempfile.TemporaryDirectory() as folder:
            transform = self._fitted(pair, Path(folder), lambda done: work(stage, done))
        quality = assess(source, target, transform, scaled(progress, 0.95, 1.0), device="cpu")
        require_one_patient(quality, source, target)
        progress(stage, 1.0)
        return TransformMap(transform, quality)

    def restore(self, state: State, source: Scan, target: Scan) -> TransformMap:
        """The map that was kept; KeyError or ValueError where it is none."""
        return TransformMap.of_state(state)

    def _fitted(self, pair: Pair, folder: Path, tick: Tick) -> Chain:
        """The transform, by way of files in a folder."""
        from napari_longiseg.io._itk import simple_itk
        from napari_longiseg.io.transforms import LinearStep, read_field, read_matrix, write_matrix
        from napari_longiseg.registration._itk.affine import search_affine
        from napari_longiseg.registration._itk.greedy import run_greedy
        from napari_longiseg.registration._itk.run import part
        from napari_longiseg.registration._itk.volumes import image_of

        start = search_affine(pair, part(tick, 0.0, 0.1))
        write_matrix(folder / "start.mat", LinearStep(start.matrix, start.offset))
        images = {"fixed": image_of(pair.source), "moving": image_of(pair.target)}
        images["body"] = image_of(pair.source, _compared(pair, start, self.radius))
        for name, image in images.items():
            simple_itk().WriteImage(image, str(folder / f"{name}.nrrd"))
        metric = f"{SHARED} -m NCC {'x'.join([str(self.radius)] * 3)}"
        run_greedy(f"{AFFINE} {metric} -n 60x40", folder, part(tick, 0.1, 0.4))
        smoothing = f"-s {self.smoothing}vox 0.7vox"
        run_greedy(f"{DEFORMABLE} {metric} -n {self.iterations} {smoothing}", folder, part(tick, 0.4, 1.0))
        linear, field = read_matrix(folder / "affine.mat"), read_field(folder / "warp.nrrd")
        return Chain((Displacement(field.vectors, field.lattice), Affine(linear.matrix, linear.offset)))


def _compared(pair: Pair, start: Affine, radius: int) -> Float32:
    """1 in the source's body (Z, Y, X) where the target reaches, but for a margin.

    Without it greedy's affine map stretches a target that shows less over the whole source: in the tests
    that put points 12 mm wrong.
    """
    from napari_longiseg.registration._itk.volumes import on_source

    _, reaches = on_source(pair, start)
    inside = binary_erosion(np.pad(reaches > 0, 1), iterations=radius)[1:-1, 1:-1, 1:-1]
    return np.asarray(inside * pair.source_body.data.cpu().numpy(), dtype=np.float32)
