"""``longiseg train``: train a network of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def train(
    config: Annotated[
        str, typer.Argument(help="A YAML file, or longinet, embedded-uls or embedded-longinet.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for checkpoints, curves and the best network.")],
    init: Annotated[
        str | None, typer.Option(help="Weights to start from; as the config's field init.")
    ] = None,
    resume: Annotated[
        str | None, typer.Option(help="Go on from this checkpoint; last: from OUT's own.")
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="FIELD=VALUE of the config, like optimiser.name=sgd. May be repeated."),
    ] = None,
    devices: Annotated[str | None, typer.Option(help="Number of GPUs, or auto for all.")] = None,
) -> None:
    """Train a network by the fields of CONFIG; the best one so far is in OUT/network.safetensors."""
    from napari_longiseg.cli._console import progress_bar
    from napari_longiseg.cli._parse import named_texts
    from napari_longiseg.training.config_file import read_config
    from napari_longiseg.training.fit import train as fit

    changes = named_texts(setting or (), "--set")
    changes |= {name: text for name, text in (("init", init), ("devices", devices)) if text is not None}
    chosen = read_config(config, changes)
    name = Path(config).stem
    try:
        fit(chosen, out, name=name, resume=resume, bar=progress_bar, tell=typer.echo)
    except KeyboardInterrupt:
        typer.echo(f"Run the same with --resume last to go on, where {out} has a checkpoint.", err=True)
        raise
