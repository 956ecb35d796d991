"""What a synthetic study is to be like."""

from __future__ import annotations

from dataclasses import dataclass

from napari_longiseg.core.errors import InputError
from napari_longiseg.training.synthetic.courses import Plan
from napari_longiseg.training.synthetic.tissue import Phase

DEFAULT_LESIONS = (
    "lung:grow", "lung:shrink", "lung:vanish", "lung:appear", "lung:merge",
    "liver:grow", "liver:shrink", "liver:split", "node:grow", "node:shrink", "bone:grow",
)  # fmt: skip
MOST_LESIONS = 255


@dataclass(frozen=True, slots=True)
class SynthOptions:
    """What the study is to be like.

    Attributes
    ----------
    seed : int
        0 or more. The same options with the same seed give the same study.
    dates : int
        Number of scans, 1 or more.
    shape : (3,) int
        Voxels of the first scan, order (z, y, x), at least 16 each; later scans differ a little.
    spacing_mm : (3,) float
        Voxel size of the first scan, order (z, y, x), 0.3 to 10 mm; later scans differ a little.
    lesions : tuple of str
        One ``HOST:COURSE`` or ``HOST:COURSE:DIAMETER_MM`` per lesion. Hosts: lung, liver, node, bone.
        Courses: grow, shrink, stable, vanish, appear, merge (two lesions), split. Where there is no room
        for a diameter, the lesion is made smaller.
    patient_size : float
        1 for an adult, 0.3 to 1.5; a small patient fits a small scan.
    noise_hu : float
        Standard deviation of the noise in the middle of the body.
    hu_step : int
        Voxels are multiples of this many HU; more than 1 makes smaller files.
    deformation_mm : float
        Standard deviation of the smooth deformation between dates.
    breathing_mm : float
        Largest excursion of the diaphragm between dates.
    phases : tuple of str
        Contrast phase (native, arterial, portal) of each date in turn, from the start again where there are
        fewer than dates.
    days : int
        From one date to the next.

    Raises
    ------
    InputError
        When an option is out of its range; the message names it.
    """

    seed: int = 0
    dates: int = 3
    shape: tuple[int, int, int] = (160, 192, 192)
    spacing_mm: tuple[float, float, float] = (2.0, 2.0, 2.0)
    lesions: tuple[str, ...] = DEFAULT_LESIONS
    patient_size: float = 1.0
    noise_hu: float = 12.0
    hu_step: int = 1
    deformation_mm: float = 5.0
    breathing_mm: float = 15.0
    phases: tuple[str, ...] = ("portal",)
    days: int = 60

    def __post_init__(self) -> None:
        _check(self.seed >= 0, "seed", "0 or more", self.seed)
        _check(1 <= self.dates <= 50, "dates", "1 to 50", self.dates)
        _check(
            len(self.shape) == 3 and all(16 <= n <= 1024 for n in self.shape),
            "shape",
            "three numbers, 16 to 1024",
            self.shape,
        )
        spacing_fits = len(self.spacing_mm) == 3 and all(0.3 <= s <= 10.0 for s in self.spacing_mm)
        _check(spacing_fits, "spacing_mm", "three numbers, 0.3 to 10 mm", self.spacing_mm)
        _check(0.3 <= self.patient_size <= 1.5, "patient_size", "0.3 to 1.5", self.patient_size)
        _check(0.0 <= self.noise_hu <= 200.0, "noise_hu", "0 to 200 HU", self.noise_hu)
        _check(1 <= self.hu_step <= 50, "hu_step", "1 to 50 HU", self.hu_step)
        _check(0.0 <= self.deformation_mm <= 15.0, "deformation_mm", "0 to 15 mm", self.deformation_mm)
        _check(0.0 <= self.breathing_mm <= 40.0, "breathing_mm", "0 to 40 mm", self.breathing_mm)
        known = bool(self.phases) and set(self.phases) <= set(Phase)
        _check(known, "phases", f"one or more of {', '.join(Phase)}", self.phases)
        _check(1 <= self.days <= 3650, "days", "1 to 3650", self.days)
        _check(2 * len(self.plans) <= MOST_LESIONS, "lesions", "127 or fewer", len(self.plans))

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The lesions, parsed."""
        return tuple(Plan.parse(text) for text in self.lesions)


def _check(fits: bool, name: str, wanted: str, value: object) -> None:
    if not fits:
        msg = f"{name} must be {wanted}, not {value}."
        raise InputError(msg)
