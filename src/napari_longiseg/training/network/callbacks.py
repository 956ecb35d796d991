"""What happens beside the steps of a training: it is kept on disk, and each epoch has a line."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback, Checkpoint

from napari_longiseg.models.network_file import NetworkCard, save_network

LAST, BEST = "last.ckpt", "best.ckpt"
"""Checkpoints: of the last epoch, or of where it was stopped; of the best validation Dice."""


class KeepBest(Checkpoint):
    """Keep the training after every epoch and where it stops, and the best network.

    Parameters
    ----------
    folder : Path
        For the checkpoints.
    network : Path
        File of the best network.
    card : NetworkCard
        What is known of the training is added to it.
    """

    def __init__(self, folder: Path, network: Path, card: NetworkCard) -> None:
        self._folder, self._network, self._card = folder, network, card
        self._best = -1.0
        self._hours_before = 0.0
        self._began = time.monotonic()

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:  # noqa: ANN401
        """Keep what the epoch has brought."""
        dice = float(trainer.callback_metrics["validation/dice"])
        better = dice > self._best
        self._best = max(dice, self._best)
        trainer.save_checkpoint(self._folder / LAST)
        if better:
            trainer.save_checkpoint(self._folder / BEST)
            if trainer.is_global_zero:
                card = self._card.model_copy(update={"training": self._training(trainer, pl_module)})
                save_network(self._network, pl_module.best_network, card)

    def on_exception(self, trainer: lightning.Trainer, pl_module: Any, exception: BaseException) -> None:  # noqa: ANN401
        """Keep what there is when the user stops the training."""
        if isinstance(exception, KeyboardInterrupt | SystemExit) and trainer.global_step:
            trainer.save_checkpoint(self._folder / LAST)

    def state_dict(self) -> dict[str, float]:
        """What a resumed training has to know."""
        return {"best": self._best, "hours": self._hours()}

    def load_state_dict(self, state_dict: dict[str, float]) -> None:
        """Go on from there."""
        self._best, self._hours_before = state_dict["best"], state_dict["hours"]

    def _training(self, trainer: lightning.Trainer, module: Any) -> dict[str, str]:  # noqa: ANN401
        config = module.config
        return self._card.training | {
            "seed": str(config.seed),
            "steps": str(trainer.global_step),
            "cases": str(trainer.global_step * config.batch_size * trainer.world_size),
            "hours": f"{self._hours():.2f}",
            "validation_dice": f"{self._best:.4f}",
        }

    def _hours(self) -> float:
        return self._hours_before + (time.monotonic() - self._began) / 3600


class PlainLog(Callback):
    """One line per epoch on standard output, where that is no terminal."""

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Print the epoch's means."""
        if sys.stdout.isatty() or not trainer.is_global_zero:
            return
        wanted = ("train/loss_epoch", "validation/loss", "validation/dice", "validation/dice_present",
                  "validation/false_found", "train/learning_rate", "train/step_s")  # fmt: skip
        values = trainer.callback_metrics
        words = [f"{name} {float(values[name]):.4g}" for name in wanted if name in values]
        line = f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}, step {trainer.global_step}: "
        print(line + ", ".join(words), flush=True)
