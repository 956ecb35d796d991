"""What happens beside the steps of a training: it is kept on disk, and each epoch has a line."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback, Checkpoint

from napari_longiseg.core.errors import InputError
from napari_longiseg.models.network_file import save_network
from napari_longiseg.training.folder import TrainingFolder

SHOWN = {
    "loss": "train/loss_epoch",
    "validation loss": "validation/loss",
    "Dice": "validation/dice",
    "Dice of those present": "validation/dice_present",
    "false finds": "validation/false_found",
    "rate": "train/learning_rate",
    "seconds per step": "train/step_s_epoch",
}
"""What the line of an epoch says, and the names under which it is logged."""


class KeepBest(Checkpoint):
    """Keep the training after every epoch and where it stops, and the best network.

    Parameters
    ----------
    name : str
        Of the config, for the network's card.

    Raises
    ------
    InputError
        From the training, when the network's output is not a number any more; nothing is kept then.
    """

    def __init__(self, folder: TrainingFolder, name: str) -> None:
        self._folder, self._name = folder, name
        self._best = -1.0
        self._hours_before = 0.0
        self._began = time.monotonic()

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:  # noqa: ANN401
        """Keep what the epoch has brought."""
        values = trainer.callback_metrics
        if not math.isfinite(values["validation/loss"]):
            msg = (
                f"The network gives no numbers any more at step {trainer.global_step}; train with a smaller "
                "optimiser.learning_rate or with optimiser.clip_norm (--resume last: from the epoch before)."
            )
            raise InputError(msg)
        dice = float(values["validation/dice"])
        better = dice > self._best
        self._best = max(dice, self._best)
        trainer.save_checkpoint(self._folder.last, weights_only=False)
        if better:
            trainer.save_checkpoint(self._folder.best, weights_only=False)
            if trainer.is_global_zero:
                card = pl_module.card.model_copy(update={"training": self._history(trainer, pl_module)})
                save_network(self._folder.network, pl_module.best_network, card, pl_module.config.half_file)

    def on_exception(self, trainer: lightning.Trainer, pl_module: Any, exception: BaseException) -> None:  # noqa: ANN401
        """Keep what there is when the training is told to stop."""
        if isinstance(exception, KeyboardInterrupt | SystemExit) and trainer.global_step:
            trainer.save_checkpoint(self._folder.last, weights_only=False)

    def state_dict(self) -> dict[str, float]:
        """What a resumed training has to know."""
        return {"best": self._best, "hours": self._hours()}

    def load_state_dict(self, state_dict: dict[str, float]) -> None:
        """Go on from there."""
        self._best, self._hours_before = state_dict["best"], state_dict["hours"]

    def _history(self, trainer: lightning.Trainer, module: Any) -> dict[str, str]:  # noqa: ANN401
        config = module.config
        return {
            "config": self._name,
            "data": config.data.source,
            "init": config.init.name if config.init else "random",
            "seed": str(config.seed),
            "steps": str(trainer.global_step),
            "cases": str(trainer.global_step * config.batch_size * trainer.world_size),
            "hours": f"{self._hours():.2f}",
            "validation_dice": f"{self._best:.4f}",
        }

    def _hours(self) -> float:
        return self._hours_before + (time.monotonic() - self._began) / 3600


class EpochLines(Callback):
    """One line per epoch.

    Parameters
    ----------
    tell : function of str
        Takes the lines.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Tell the epoch's means."""
        if trainer.is_global_zero:
            values = trainer.callback_metrics
            words = [f"{word} {float(values[name]):.4g}" for word, name in SHOWN.items() if name in values]
            start = f"epoch {trainer.current_epoch + 1} of {trainer.max_epochs}, step {trainer.global_step}"
            self._tell(f"{start}: {', '.join(words)}")
