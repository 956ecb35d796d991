"""``longiseg synth``: write a synthetic study with known truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def synth(
    out: Annotated[Path, typer.Argument(help="Folder to make; it must not hold anything yet.")],
    dates: Annotated[int, typer.Option(help="Number of scans.")] = 3,
    seed: Annotated[int, typer.Option(help="The same options and seed give the same study.")] = 0,
    size: Annotated[str, typer.Option(help="Voxels of the first scan, X,Y,Z or one number.")] = "192,192,160",
    spacing_mm: Annotated[str, typer.Option(help="Voxel size in mm, X,Y,Z or one number.")] = "2",
    lesion: Annotated[
        list[str] | None,
        typer.Option(
            help="HOST:COURSE or HOST:COURSE:DIAMETER_MM; may be repeated, instead of the default ones. "
            "Hosts: lung, liver, node, bone. Courses: grow, shrink, stable, vanish, appear, merge, split."
        ),
    ] = None,
    patient_size: Annotated[float, typer.Option(help="1 is an adult; less fits a smaller scan.")] = 1.0,
    noise_hu: Annotated[float, typer.Option(help="Standard deviation of the noise in the body.")] = 12.0,
    hu_step: Annotated[int, typer.Option(help="HU are multiples of this; more makes smaller files.")] = 1,
    deformation_mm: Annotated[float, typer.Option(help="Smooth deformation between dates, SD.")] = 5.0,
    breathing_mm: Annotated[float, typer.Option(help="Largest excursion of the diaphragm.")] = 15.0,
    phase: Annotated[
        list[str] | None, typer.Option(help="native, arterial or portal, for each date in turn.")
    ] = None,
    days: Annotated[int, typer.Option(help="From one date to the next.")] = 60,
) -> None:
    """Write scans, manifest and truth of a synthetic patient: breathing, moving, with changing lesions."""
    from napari_longiseg.cli._console import progress_bar
    from napari_longiseg.cli._parse import three_numbers
    from napari_longiseg.core.geometry import as_shape
    from napari_longiseg.io.points import from_xyz
    from napari_longiseg.training.synth import DEFAULT_LESIONS, SynthOptions, make_study, write_study

    options = SynthOptions(
        seed=seed,
        dates=dates,
        shape=as_shape(from_xyz(three_numbers(size, "--size"))),
        spacing_mm=from_xyz(three_numbers(spacing_mm, "--spacing-mm")),
        lesions=tuple(lesion or DEFAULT_LESIONS),
        patient_size=patient_size,
        noise_hu=noise_hu,
        hu_step=hu_step,
        deformation_mm=deformation_mm,
        breathing_mm=breathing_mm,
        phases=tuple(phase or ("portal",)),
        days=days,
    )
    with progress_bar() as progress:
        synthetic = make_study(options, progress)
        write_study(synthetic, out)
    lesions, scans = len(synthetic.lesions), len(synthetic.study.scans)
    typer.echo(f"Wrote {scans} scans with {lesions} lesions, their manifest and their truth to {out}.")
