"""What happens beside the steps of a training: the best network is kept, and each epoch has a line."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback

from napari_longiseg.models.network_file import NetworkCard, save_network


class KeepBest(Callback):
    """Write the network whenever its validation Dice is the best so far.

    Parameters
    ----------
    path : Path
        Of the file.
    card : NetworkCard
        What is known of the training is added to it.
    """

    def __init__(self, path: Path, card: NetworkCard) -> None:
        self._path, self._card = path, card
        self._best = -1.0
        self._hours_before = 0.0
        self._began = time.monotonic()

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:  # noqa: ANN401
        """Keep the network if it is the best."""
        dice = float(trainer.callback_metrics["validation/dice"])
        if not trainer.is_global_zero or trainer.sanity_checking or dice <= self._best:
            return
        self._best = dice
        steps = trainer.global_step
        config = pl_module.config
        training = self._card.training | {
            "seed": str(config.seed),
            "steps": str(steps),
            "cases": str(steps * config.batch_size * trainer.world_size),
            "hours": f"{self._hours():.2f}",
            "validation_dice": f"{dice:.4f}",
        }
        save_network(self._path, pl_module.best_network, self._card.model_copy(update={"training": training}))

    def state_dict(self) -> dict[str, float]:
        """What a resumed training has to know."""
        return {"best": self._best, "hours": self._hours()}

    def load_state_dict(self, state_dict: dict[str, float]) -> None:
        """Go on from there."""
        self._best, self._hours_before = state_dict["best"], state_dict["hours"]

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
