"""Run a training: from a config to a folder with checkpoints, curves and the best network."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.progress import Progress, silent
from napari_longiseg.training.config import TrainingConfig
from napari_longiseg.training.config_file import write_config
from napari_longiseg.training.data import make_batches
from napari_longiseg.training.folder import TrainingFolder
from napari_longiseg.training.start import resumed_network, starting_network

if TYPE_CHECKING:
    import lightning


def train(
    config: TrainingConfig,
    out: str | Path,
    *,
    name: str = "",
    resume: str | Path | None = None,
    bar: Callable[[], AbstractContextManager[Progress]] = lambda: nullcontext(silent),
    tell: Callable[[str], None] = print,
) -> Path:
    """Train a network.

    Parameters
    ----------
    out : path
        Folder for what :class:`~napari_longiseg.training.folder.TrainingFolder` lists, and for the curves.
    name : str
        Of the config, for the network's card.
    resume : path or ``"last"``, optional
        A checkpoint to go on from.
    bar : function that gives a context with a Progress
        Open while cases are prepared; the steps have a bar of their own, where there is a terminal.
    tell : function of str
        Takes lines for the user: what the network starts from, what cases there are, where the result is and,
        where there is no terminal, what each epoch has brought.

    Returns
    -------
    Path
        The network's file.

    Raises
    ------
    InputError
        When the folder holds a training already, what to start from or the cases cannot be used, or the
        training fails in a way that the user can do something about.
    KeyboardInterrupt
        When it was told to stop; ``resume="last"`` goes on from there.
    """
    _need_lightning()
    import lightning
    import torch
    from lightning.pytorch.utilities import rank_zero_only

    from napari_longiseg.training.longinet import LesionTraining
    from napari_longiseg.training.network.callbacks import EpochLines, KeepBest

    if getattr(rank_zero_only, "rank", 0):
        tell = _say_nothing  # this is a further process, which Lightning has started for a further device
    folder = TrainingFolder(Path(out))
    checkpoint = folder.checkpoint(resume)
    if config.threads:
        torch.set_num_threads(config.threads)
    lightning.seed_everything(config.seed, workers=True, verbose=False)
    start = resumed_network(config, checkpoint) if checkpoint else starting_network(config)
    tell(start.report)
    with bar() as progress:
        batches = make_batches(config, folder, progress)
    for line in batches.report:
        tell(line)
    write_config(config, folder.config)
    is_watched = sys.stdout.isatty()
    lines = [] if is_watched else [EpochLines(tell)]
    with _quiet():
        trainer = _trainer(config, folder, [KeepBest(folder, name), *lines], progress_bar=is_watched)
        try:
            trainer.fit(LesionTraining(config, start, batches), ckpt_path=checkpoint)
        except SystemExit as stopped:  # what Lightning makes of Ctrl-C and of SIGTERM
            raise KeyboardInterrupt from stopped
        except torch.cuda.OutOfMemoryError as error:
            msg = f"The GPU has no memory for {config.batch_size} cases at once; use a smaller batch_size."
            raise InputError(msg) from error
    tell(f"The best network is {folder.network}. Research use only.")
    return folder.network


def _say_nothing(line: str) -> None:
    pass


def _need_lightning() -> None:
    try:
        import lightning  # noqa: F401
        import tensorboard  # noqa: F401
    except ImportError as error:
        msg = "Training needs Lightning and TensorBoard; run `pip install 'napari-longiseg[train]'`."
        raise InputError(msg) from error


def _trainer(
    config: TrainingConfig, folder: TrainingFolder, callbacks: Sequence[Any], *, progress_bar: bool
) -> lightning.Trainer:
    import lightning
    import torch
    from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

    cuda = torch.cuda.is_available()
    devices = torch.cuda.device_count() if cuda else 1
    if config.devices != "auto":
        if cuda and config.devices > devices:
            raise InputError(f"There are {devices} GPUs that torch can work on, not {config.devices}.")
        devices = config.devices
    precision = ("16-mixed" if cuda else "32") if config.precision == "auto" else config.precision
    return lightning.Trainer(
        accelerator="cuda" if cuda else "cpu",
        devices=devices,
        # nnU-Net's networks hold layers that they use with deep supervision only.
        strategy="ddp_find_unused_parameters_true" if devices > 1 else "auto",
        precision=precision,
        max_epochs=config.epochs,
        limit_train_batches=config.steps_per_epoch,
        reload_dataloaders_every_n_epochs=1,
        use_distributed_sampler=False,  # our batches know the devices
        num_sanity_val_steps=0,
        gradient_clip_val=config.optimiser.clip_norm,
        callbacks=list(callbacks),
        logger=[TensorBoardLogger(folder.path, "curves", ""), CSVLogger(folder.path, "tables")],
        log_every_n_steps=25,
        default_root_dir=folder.path,
        enable_model_summary=False,
        enable_progress_bar=progress_bar,
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Lightning's advertisements, and its advice to use as many workers as there are cores."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
