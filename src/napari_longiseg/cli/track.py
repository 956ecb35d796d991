"""``longiseg track``: outline and measure every lesion on every scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.lesion import Click, Lesion
from napari_longiseg.core.methods import (
    DEFAULT_REGISTRATION,
    DEFAULT_SEGMENTER,
    REGISTRATIONS,
    SEGMENTERS,
    options_of,
)
from napari_longiseg.core.scan import Study


def track(
    study: Annotated[
        Path,
        typer.Argument(help="study.json, a folder with one, or a folder of DICOM series or image files."),
    ],
    out: Annotated[Path, typer.Option(help="Folder for masks, lesions.csv and run.json.")],
    click: Annotated[
        list[str] | None,
        typer.Option(help="SCAN:X,Y,Z in LPS mm: a further lesion, clicked there. May be repeated."),
    ] = None,
    source: Annotated[str | None, typer.Option(help="Scan to start from, for all lesions.")] = None,
    registration: Annotated[str, typer.Option(help="How scans are aligned.")] = DEFAULT_REGISTRATION,
    segmenter: Annotated[str, typer.Option(help="How lesions are outlined.")] = DEFAULT_SEGMENTER,
    registration_option: Annotated[
        list[str] | None, typer.Option("--registration-option", "-R", help="NAME=VALUE. May be repeated.")
    ] = None,
    segmenter_option: Annotated[
        list[str] | None, typer.Option("--segmenter-option", "-S", help="NAME=VALUE. May be repeated.")
    ] = None,
    boosting: Annotated[
        bool, typer.Option("--boosting", help="Segment, take the centre, segment again.")
    ] = False,
    max_distance_mm: Annotated[
        float, typer.Option(help="Farther than this from the expected point is another structure.")
    ] = 10.0,
    landmarks: Annotated[
        Path | None,
        typer.Option(help="CSV with scan,name,x_mm,y_mm,z_mm; in place of the study's own landmarks."),
    ] = None,
    correct_by_landmarks: Annotated[
        bool,
        typer.Option(
            "--correct-by-landmarks/--no-correct-by-landmarks",
            help="Make every registration go through the landmarks that two scans have in common.",
        ),
    ] = True,
    learn_from_verified: Annotated[
        bool,
        typer.Option(
            "--learn-from-verified",
            help="Lesions clicked or outlined on two scans correct the registration for their neighbours.",
        ),
    ] = False,
    correction_radius_mm: Annotated[
        float, typer.Option(help="How far a landmark or a verified lesion corrects the registration.")
    ] = 40.0,
    series: Annotated[
        str | None,
        typer.Option(
            help="Number, UID or description of the series to read, where DICOM folders hold several."
        ),
    ] = None,
    cache: Annotated[
        bool, typer.Option("--cache/--no-cache", help="Keep registrations on disk, and use those kept.")
    ] = True,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace earlier results in OUT.")] = False,
) -> None:
    """Outline and measure every lesion of STUDY on every scan."""
    from napari_longiseg.cli._console import progress_bar
    from napari_longiseg.cli._lesion_table import print_lesions
    from napari_longiseg.cli._parse import named_texts
    from napari_longiseg.cli._run import track_and_write
    from napari_longiseg.io.landmarks import read_landmarks
    from napari_longiseg.io.manifest import load_study
    from napari_longiseg.io.results import check_output
    from napari_longiseg.io.tables import lesion_rows
    from napari_longiseg.registration.cache import RegistrationCache
    from napari_longiseg.registration.store import MapStore
    from napari_longiseg.tracking.options import TrackOptions
    from napari_longiseg.tracking.setup import MethodChoice, TrackSettings, make_tracker

    def chosen(group: str, name: str, typed: Sequence[str] | None, argument: str) -> MethodChoice:
        return MethodChoice(name, options_of(group, name, named_texts(typed or (), argument)))

    check_output(out, overwrite=overwrite)
    settings = TrackSettings(
        chosen(REGISTRATIONS, registration, registration_option, "--registration-option"),
        chosen(SEGMENTERS, segmenter, segmenter_option, "--segmenter-option"),
        TrackOptions(
            boosting=boosting,
            max_distance_mm=max_distance_mm,
            source=source,
            correct_by_landmarks=correct_by_landmarks,
            learn_from_verified=learn_from_verified,
            correction_radius_mm=correction_radius_mm,
        ),
    )
    tracker = make_tracker(settings, RegistrationCache(MapStore() if cache else None))
    clicks = [_parsed(text) for text in click or ()]
    placed = read_landmarks(landmarks) if landmarks else None
    with progress_bar() as progress, tracker.timer.step("read"):
        loaded = _with_clicks(load_study(study, progress, series=series), clicks)
    if placed is not None:
        loaded = replace(loaded, landmarks=placed)
    if not loaded.lesions:
        msg = f"{study} names no lesion; add one with --click SCAN:X,Y,Z or in the manifest."
        raise InputError(msg)
    findings = track_and_write(loaded, out, tracker, overwrite=overwrite)
    print_lesions(lesion_rows(loaded, findings))
    for pair in tracker.registrations.values():
        if pair.doubt:
            typer.echo(f"{pair.source} to {pair.target}: {pair.doubt}", err=True)
    typer.echo(f"Masks, lesions.csv and run.json are in {out}. Research use only.")


def _parsed(text: str) -> Click:
    """``SCAN:X,Y,Z`` as a click."""
    from napari_longiseg.cli._parse import three_numbers
    from napari_longiseg.io.points import from_xyz

    scan, _, numbers = text.rpartition(":")
    if not scan or numbers.count(",") != 2:
        msg = f"--click {text!r} should look like T0:12.5,-40,110.5 (scan id, then x, y, z in mm)."
        raise InputError(msg)
    return Click(scan, from_xyz(three_numbers(numbers, "--click")))


def _with_clicks(study: Study, clicks: Sequence[Click]) -> Study:
    """The study with one more lesion per click."""
    lesions = list(study.lesions)
    for click in clicks:
        study.scan(click.scan)  # says which scans there are
        number = max((lesion.id for lesion in lesions), default=0) + 1
        lesions.append(Lesion(number, clicks=(click,)))
    return study.with_lesions(tuple(lesions))
