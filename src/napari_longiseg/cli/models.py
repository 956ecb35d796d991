"""``longiseg models``: the weights that some methods need, and where they are kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from napari_longiseg.models.registry import Entry

Name = Annotated[str, typer.Argument(help="What `longiseg models list` calls it.")]

models = typer.Typer(help="List, add, download, remove and convert the weights that some methods need.")


@models.callback(invoke_without_command=True)
def _no_verb(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_models()


@models.command("list")
def list_models() -> None:
    """Show which weights are known, which are here, and how to get the others."""
    from napari_longiseg.cli._console import print_table
    from napari_longiseg.models.registry import entries, folder

    found = entries()
    rows = [
        (e.model.name, e.model.purpose, "here" if e.is_here else "missing", f"{e.model.megabytes} MB")
        for e in found
    ]
    print_table(f"Weights in {folder()}", ("name", "for", "state", "size"), rows)
    for entry in found:
        typer.echo(f"{entry.model.name}: {entry.model.url}")
        typer.echo(f"  {entry.model.published[0].upper()}{entry.model.published[1:]}.")
        typer.echo(f"  Licence: {entry.model.licence}.")
        if record := entry.record:
            typer.echo(f"  Put here {record.date} from {record.origin}, SHA-256 {record.sha256}.")


@models.command()
def add(name: Name, file: Annotated[Path, typer.Argument(help="The file of weights.")]) -> None:
    """Copy weights that you have, after a look whether they fit."""
    from napari_longiseg.cli._console import progress_bar
    from napari_longiseg.models import registry

    with progress_bar() as progress:
        entry = registry.add(name, file, progress)
    _say_put(entry)


@models.command()
def download(name: Name) -> None:
    """Fetch weights from where their authors publish them."""
    from napari_longiseg.cli._console import progress_bar
    from napari_longiseg.models import registry
    from napari_longiseg.models.known import known_model

    model = known_model(name)
    typer.echo(f"Downloading about {model.megabytes} MB from {model.url}.", err=True)
    typer.echo(f"Licence: {model.licence}.", err=True)
    with progress_bar() as progress:
        entry = registry.download(name, progress)
    _say_put(entry)


@models.command()
def remove(name: Name) -> None:
    """Delete weights."""
    from napari_longiseg.models import registry

    entry = registry.remove(name)
    typer.echo(f"Removed {entry.path}.")


@models.command()
def path(name: Annotated[str | None, typer.Argument(help="By default, the folder of all.")] = None) -> None:
    """Print where weights are kept."""
    from napari_longiseg.models.registry import find, folder

    typer.echo(folder() if name is None else find(name))


@models.command()
def convert(
    file: Annotated[
        Path, typer.Argument(help="A checkpoint of torch, or the folder of a network of nnU-Net.")
    ],
    out: Annotated[Path, typer.Argument(help="The new file; ends in .safetensors.")],
    yes: Annotated[bool, typer.Option("--yes", help="Run the code in the file without a question.")] = False,
) -> None:
    """Write the tensors of a file of weights, without the code that it may hold besides.

    Of a folder of nnU-Net a network for the method uls is made.
    """
    from napari_longiseg.core.errors import UntrustedFileError
    from napari_longiseg.models import convert as converter
    from napari_longiseg.models.weights import size_in_words

    if file.is_dir():
        card = converter.convert_nnunet(file, out)
        typer.echo(f"Wrote the network into {out}; VOIs of {' x '.join(map(str, card.inputs.size))} voxels.")
        return
    try:
        weights = converter.convert(file, out)
    except UntrustedFileError:
        typer.echo(f"{file} holds code, which runs when the file is opened.", err=True)
        typer.echo("It can do all that you can do on this computer: read, send and delete files.", err=True)
        if not yes:
            typer.confirm("Do you trust where it comes from, and want to open it?", abort=True, err=True)
        weights = converter.convert(file, out, trusted=True)
    typer.echo(f"Wrote {size_in_words(weights)} into {out}.")


def _say_put(entry: Entry) -> None:
    typer.echo(f"Put the weights of {entry.model.name} into {entry.path}.")
    if entry.record:
        typer.echo(f"{entry.record.size:,} bytes, SHA-256 {entry.record.sha256}")
