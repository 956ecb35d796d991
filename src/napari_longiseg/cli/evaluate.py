"""``longiseg evaluate``: compare results with the truth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_longiseg.tracking.evaluate import Score, Summary


def evaluate(
    results: Annotated[Path, typer.Argument(help="Folder written by `longiseg track`.")],
    study: Annotated[Path, typer.Argument(help="study.json, or the folder with one.")],
    truth: Annotated[
        Path | None, typer.Option(help="Folder with gt_<scan id>.nii.gz; by default the study's own.")
    ] = None,
    json_out: Annotated[Path | None, typer.Option("--json", help="Write the figures here, too.")] = None,
) -> None:
    """Print Dice, centre distance, found and falsely found, per lesion and summed up."""
    from napari_longiseg.tracking.evaluate import summarise
    from napari_longiseg.tracking.evaluate_files import evaluate_folder, write_scores

    scores = evaluate_folder(results, study, truth)
    groups = {
        "source scan": [s for s in scores if s.is_source],
        "later and earlier scans": [s for s in scores if not s.is_source],
        "all": scores,
    }
    summaries = {name: summarise(group) for name, group in groups.items()}
    if json_out:
        write_scores(json_out, scores, summaries)
    _print_scores(scores)
    _print_summaries(summaries)


def _print_scores(scores: Sequence[Score]) -> None:
    from napari_longiseg.cli._console import number, print_table

    rows = [
        (
            str(s.lesion),
            s.scan + (" (source)" if s.is_source else ""),
            s.outcome,
            number(s.dice, 3),
            number(s.centre_distance_mm, 2),
            number(s.truth_ml, 2),
            number(s.found_ml, 2),
            "-" if s.point_inside is None else ("inside" if s.point_inside else "OUTSIDE"),
            number(s.point_distance_mm, 2),
        )
        for s in scores
    ]
    columns = ("lesion", "scan", "outcome", "Dice", "centre mm", "true ml", "found ml", "point", "point mm")
    print_table("Lesion by lesion", columns, rows)


def _print_summaries(summaries: dict[str, Summary]) -> None:
    from napari_longiseg.cli._console import number, print_table

    rows = [
        (
            name,
            f"{s.present} of {s.n} present",
            number(s.median_dice, 3),
            number(s.mean_dice, 3),
            number(s.median_centre_distance_mm, 2),
            str(s.found),
            str(s.missed),
            str(s.falsely_found),
            f"{s.points_inside}/{s.points}" if s.points else "-",
            number(s.median_point_distance_mm, 2),
        )
        for name, s in summaries.items()
    ]
    columns = (
        "scans",
        "pairs",
        "median Dice",
        "mean Dice",
        "centre mm",
        "found",
        "missed",
        "falsely found",
        "points inside",
        "point mm",
    )
    print_table("Summed up (missed lesions count with Dice 0; distances are medians)", columns, rows)
