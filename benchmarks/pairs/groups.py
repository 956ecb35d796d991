"""The benchmark's pairs, group by group, and which of them nothing may be tuned on.

Tuning and calibration use the seeds of ``TUNING``; the ``HELD_OUT`` ones are for the measured run alone. The
real scans are the same in both halves (there are no others): only the motion is new there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path

from napari_longiseg.core.scan import Scan
from pairs import alter
from pairs.library import Library, Recipe
from pairs.moved import KINDS, moved_pair
from pairs.moved import swapped as swapped_pair
from pairs.pair import Pair
from pairs.sliding import Sliding
from pairs.studies import FromStudy, loaded, scan_ids
from pairs.synthetic import Synthetic

GROUPS = ("synthetic", "real-anatomy", "sliding", "fov", "refuse", "consistency", "studies")


@dataclass(frozen=True)
class Half:
    """The seeds of the pairs that are tuned on, or of those that are held out."""

    held_out: bool
    plain: tuple[int, ...]
    contrast: int
    breathing: tuple[int, ...]
    """Chosen so that the diaphragm moves by 31 to 33 mm, once up and once down."""
    sliding: tuple[tuple[int, float], ...]
    """With the movement at the diaphragm in mm."""
    motion: int
    """Added to the seeds of the moved real scans."""


TUNING = Half(False, (11, 12, 13), 14, (16, 82), ((41, 20.0), (42, -30.0)), 0)
HELD_OUT = Half(True, (21, 22, 23), 24, (102, 93), ((51, -20.0), (52, 30.0)), 100)


def recipes(studies: Sequence[Path]) -> Iterator[Recipe]:
    """All pairs, those of the study folders included."""
    for half in (TUNING, HELD_OUT):
        yield from _synthetic(half)
        yield from _sliding(half)
        yield from _fields_of_view(half)
        yield from _refuse(half)
        for folder in studies:
            yield from _real_anatomy(half, folder)
    for one, other in permutations(studies, 2):
        name = f"other patient, {one.name} > {other.name}"
        yield Recipe("refuse", name, lambda _, one=one, other=other: _patients(one, other), refuse=True)
    for folder in studies:
        name = f"thirds, {folder.name}"
        yield Recipe("refuse", name, lambda _, folder=folder: _thirds(_first(folder)), refuse=True)
        for source, target in permutations(scan_ids(folder), 2):
            made = FromStudy(folder, source, target).make
            yield Recipe("studies", f"{folder.name} {source} > {target}", lambda _, made=made: made())
    yield from _consistency(plain(TUNING.plain[0]))
    for folder in studies:
        yield from _consistency(f"{folder.name} smooth")


def plain(seed: int) -> str:
    """Name of the plain synthetic pair of a seed, which others are made of."""
    return f"synthetic {seed}"


def _synthetic(half: Half) -> Iterator[Recipe]:
    made = {plain(seed): Synthetic(seed) for seed in half.plain}
    phases = ("native", "portal")
    made[f"native > portal, {half.contrast}"] = Synthetic(half.contrast, phases=phases)
    made |= {f"30 mm breathing, {seed}": Synthetic(seed, breathing_mm=33.0) for seed in half.breathing}
    for name, synthetic in made.items():
        yield Recipe("synthetic", name, lambda _, s=synthetic: s.make(), half.held_out)


def _sliding(half: Half) -> Iterator[Recipe]:
    for seed, slide_mm in half.sliding:
        made = Sliding(seed, slide_mm).make
        yield Recipe("sliding", f"sliding {slide_mm:+.0f} mm, {seed}", lambda _, m=made: m(), half.held_out)


def _real_anatomy(half: Half, folder: Path) -> Iterator[Recipe]:
    for kind, motion in KINDS.items():
        one = replace(motion, seed=motion.seed + half.motion)
        name = f"{folder.name} {kind}" + (", held out" if half.held_out else "")

        def make(_: Library, one=one) -> Pair:  # noqa: ANN001
            study, truth = loaded(folder)
            first = study.scans[0]
            return moved_pair(first, truth[first.id], one)

        yield Recipe("real-anatomy", name, make, half.held_out)
        yield Recipe(
            "real-anatomy", f"{name}, back", lambda lib, name=name: swapped_pair(lib[name]), half.held_out
        )


def _fields_of_view(half: Half) -> Iterator[Recipe]:
    for seed, back in zip(half.plain[:2], (False, True), strict=True):
        base = plain(seed)
        way = "whole body > chest" if back else "chest > whole body"
        yield _altered("fov", f"{way}, {seed}", base, half, _chest, back)
        yield _altered("fov", f"40 % in common, {seed}", base, half, _overlap, back)


def _refuse(half: Half) -> Iterator[Recipe]:
    first, second = (plain(seed) for seed in half.plain[:2])

    def others(library: Library) -> Pair:
        return Pair(library[first].source, library[second].target)

    yield Recipe("refuse", f"other patient, {first} > {second}", others, half.held_out, refuse=True)

    def thirds(library: Library) -> Pair:
        pair = library[first]
        return Pair(alter.part(pair.source, 2 / 3, 1.0), alter.part(pair.target, 0.0, 1 / 3))

    yield Recipe("refuse", f"thirds, {first}", thirds, half.held_out, refuse=True)
    phases = ("native", "arterial")
    yield Recipe(
        "refuse", f"native > arterial, {half.contrast}",
        lambda _: Synthetic(half.contrast, phases=phases).make(), half.held_out,
    )  # fmt: skip
    base = plain(half.plain[-1])
    yield _altered(
        "refuse",
        f"30 HU of noise, {base}",
        base,
        half,
        lambda p: replace(p, target=alter.noisy(p.target, 30.0, 1)),
    )
    yield _altered(
        "refuse", f"5 mm slices, {base}", base, half, lambda p: replace(p, target=alter.thick(p.target, 5.0))
    )
    yield _altered("refuse", f"40 % in common, {base}", base, half, _overlap)


def _consistency(base: str) -> Iterator[Recipe]:
    original = f"original, {base}"
    yield Recipe("consistency", original, lambda library: library[base])
    variants: dict[str, Callable[[Pair], Pair]] = {
        "source at 2.5 mm": lambda p: replace(p, source=alter.resampled(p.source, 2.5)),
        "target at 2.5 mm": lambda p: replace(p, target=alter.resampled(p.target, 2.5)),
        "source cropped": lambda p: replace(p, source=alter.cropped(p.source, 0.1)),
        "target cropped": lambda p: replace(p, target=alter.cropped(p.target, 0.1)),
        "source reversed": lambda p: replace(p, source=alter.reversed_axis(p.source, 2)),
        "target reversed": lambda p: replace(p, target=alter.reversed_axis(p.target, 0)),
    }
    for what, change in variants.items():
        yield Recipe(
            "consistency",
            f"{what}, {base}",
            lambda lib, change=change: _seen(change(lib[base]), lib[base]),
            like=original,
        )
    yield Recipe(
        "consistency", f"swapped, {base}", lambda lib: swapped_pair(lib[base]), like=original, swapped=True
    )


def _altered(
    group: str, name: str, base: str, half: Half, change: Callable[[Pair], Pair], back: bool = False
) -> Recipe:
    """A pair that is another one changed, and perhaps the other way round."""

    def make(library: Library) -> Pair:
        pair = _seen(change(library[base]), library[base])
        return swapped_pair(pair) if back else pair

    return Recipe(group, name, make, half.held_out)


def _chest(pair: Pair) -> Pair:
    """140 of 400 mm of the source cut off at the feet, and its table moved by 80 mm."""
    by = (80.0, 0.0, 0.0)
    return replace(
        pair,
        source=alter.shifted(alter.part(pair.source, 0.35, 1.0), by),
        lesions=pair.lesions.moved(source_by_mm=by),
        body=pair.body.moved(source_by_mm=by),
    )


def _overlap(pair: Pair) -> Pair:
    """Upper part of the source, lower part of the target: 40 % of either is on the other."""
    return replace(
        pair, source=alter.part(pair.source, 0.375, 1.0), target=alter.part(pair.target, 0.0, 0.625)
    )


def _seen(pair: Pair, base: Pair) -> Pair:
    """With the points that both scans still show; the labels belong to the old target's grid."""
    lesions, body = (m.seen_by(pair.source.grid, pair.target.grid) for m in (pair.lesions, pair.body))
    labels = pair.target_labels if pair.target.grid == base.target.grid else None
    return replace(pair, lesions=lesions, body=body, target_labels=labels)


def _first(folder: Path) -> Scan:
    study, _ = loaded(folder)
    return study.scans[0]


def _patients(one: Path, other: Path) -> Pair:
    return Pair(_first(one), _first(other))


def _thirds(scan: Scan) -> Pair:
    return Pair(alter.part(scan, 2 / 3, 1.0), alter.part(scan, 0.0, 1 / 3))
