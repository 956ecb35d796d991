"""Random cases without end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from napari_longiseg.models.inputs import Inputs, click_map, hu_at
from napari_longiseg.training.cases import Case
from napari_longiseg.training.randomised.backgrounds import Background, load_backgrounds
from napari_longiseg.training.randomised.course import MARGIN, Course, random_course
from napari_longiseg.training.randomised.cut import Cut, Frame, cut, shifted, warped
from napari_longiseg.training.randomised.dice import Dice
from napari_longiseg.training.randomised.fields import grown
from napari_longiseg.training.randomised.options import RandomisedOptions
from napari_longiseg.training.randomised.scanner import scanned

DEFAULT_SIGMA = 2.0
"""Of the map of clicks, for networks that do not look at it."""


class RandomCases(IterableDataset[Case]):
    """A stream of cases; each worker of a loader has its own.

    Parameters
    ----------
    kind : {"uls", "longinet"}
        One scan with clicks, or a baseline and a follow-up scan with a carried point.
    inputs : Inputs
        Its size and width of clicks are used.
    seed : int
        Equal seeds give equal streams.
    options : RandomisedOptions
        What to draw.
    device : torch.device or str
        Where cases are made.

    Raises
    ------
    InputError
        When a background cannot be read.
    """

    def __init__(
        self,
        kind: Literal["uls", "longinet"],
        inputs: Inputs,
        seed: int,
        options: RandomisedOptions,
        device: torch.device | str = "cpu",
    ) -> None:
        self.kind = kind
        self.inputs = inputs
        self.seed = seed
        self.options = options
        self.device = device
        self.backgrounds = load_backgrounds(options.backgrounds, options.patients, seed=1)

    def __iter__(self) -> Iterator[Case]:
        worker = get_worker_info()
        stream = self.seed * 1009 + (worker.id if worker else 0)
        dice = Dice(stream, self.device)
        make = single_case if self.kind == "uls" else pair_case
        while True:
            yield make(dice, self.inputs, self.options, self.backgrounds)


def single_case(
    dice: Dice, inputs: Inputs, options: RandomisedOptions, backgrounds: Sequence[Background]
) -> Case:
    """One scan with a reader's clicks; now and then where there is nothing."""
    nothing = dice.chance(options.nothing)
    course = random_course(dice, inputs.size, options, backgrounds, baseline_gone=nothing)
    inner = _inner(dice, course.share_baseline * (course.level > 0), course.centre)
    middle = inner if dice.chance(0.6) else course.centre + 1.5 * dice.normals(3)
    frame = shifted(middle, inputs.size, MARGIN)
    found = cut(course.baseline, course.share_baseline, frame)
    image = scanned(dice, found.image, course.spacing_mm, _noise(dice, course))
    positive = frame.to_voi(inner)[None]
    negative = torch.zeros(0, 3, device=dice.device)
    if dice.chance(options.extra_clicks):
        positive, negative = _more_clicks(dice, found, positive)
    return {
        "image": image,
        "target": found.mask,
        "clicks": _map(inputs, positive, negative),
        "reference_hu": hu_at(image, positive),
    }


def pair_case(
    dice: Dice, inputs: Inputs, options: RandomisedOptions, backgrounds: Sequence[Background]
) -> Case:
    """A lesion on the baseline, and where a registration takes its point on the follow-up."""
    course = random_course(dice, inputs.size, options, backgrounds)
    frame = shifted(course.centre + 0.7 * dice.normals(3), inputs.size, MARGIN)
    before = cut(course.baseline, course.share_baseline, frame)
    then = scanned(dice, before.image, course.spacing_mm, _noise(dice, course))
    mask = _prior(dice, course, frame, before.mask > 0, options.bad_prior)
    error = options.error_mm / course.spacing_mm * (3.0 if dice.chance(options.error_tail) else 1.0)
    later_frame, field, point = warped(dice, course.centre, error, inputs.size, MARGIN, course.spacing_mm)
    after = cut(course.followup, course.share_followup, later_frame, field)
    image = scanned(dice, after.image, course.spacing_mm, _noise(dice, course))
    middle = torch.tensor([(n - 1) / 2 for n in inputs.size], device=dice.device)[None]
    none = middle[:0]
    positive, negative = point[None], none
    if dice.chance(options.extra_clicks):
        positive, negative = _more_clicks(dice, after, positive)
    return {
        "image": image,
        "target": after.mask,
        "clicks": _map(inputs, positive, negative),
        "reference_hu": then[mask].mean() if mask.any() else hu_at(then, middle),
        "baseline_image": then,
        "baseline_mask": mask.to(torch.uint8),
        "baseline_clicks": _map(inputs, middle, none),
    }


def _prior(dice: Dice, course: Course, frame: Frame, exact: Tensor, bad: float) -> Tensor:
    """The first scan's outline as a reader or a method has it: exact, a little off, or bad."""
    if dice.chance(bad):
        drawn = course.drawn_badly(dice)
    elif dice.chance(0.5):
        drawn = course.drawn(dice)
    else:
        return exact
    mask = cut(course.baseline, drawn, frame).mask > 0
    return mask if mask.any() else exact


def _noise(dice: Dice, course: Course) -> float:
    """That of one date; scanners and doses differ."""
    return course.noise_hu * dice.log_uniform(0.7, 1.4)


def _map(inputs: Inputs, positive: Tensor, negative: Tensor) -> Tensor:
    return click_map(inputs.size, positive, negative, inputs.click_sigma or DEFAULT_SIGMA)


def _inner(dice: Dice, weight: Tensor, centre: Tensor) -> Tensor:
    """Where a reader clicks: a voxel of the lesion, rather inside than at its border; else its centre."""
    places = (weight >= 0.5).nonzero()
    if not len(places):
        return centre
    distance = (places - places.float().mean(0)).norm(dim=1)
    # In a tiny lesion all voxels may be as far from the centre.
    near = places[distance <= (distance.median() * dice.uniform(0.6, 1.6)).clamp_min(distance.min())]
    return near[dice.integer(0, len(near) - 1)].float()


def _more_clicks(dice: Dice, found: Cut, positive: Tensor) -> tuple[Tensor, Tensor]:
    """A second click within the lesion, and up to two outside, near its border."""
    inside = found.mask.nonzero()
    if len(inside) and dice.chance(0.6):
        positive = torch.cat([positive, inside[dice.integer(0, len(inside) - 1)].float()[None]])
    outside = (grown(found.mask, 4) > grown(found.mask, 1)).nonzero()
    count = dice.integer(0, 2) if len(outside) else 0
    chosen = [outside[dice.integer(0, len(outside) - 1)] for _ in range(count)]
    return positive, torch.stack(chosen).float() if chosen else positive[:0]
