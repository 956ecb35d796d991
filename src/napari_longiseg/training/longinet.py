"""Training of our networks, LongiNet and the single-scan network, as one Lightning module.

LongiNet (2025), section 2.5: the losses, the optimiser and its schedule. What the paper leaves open is said
in :mod:`~napari_longiseg.training.network.losses` and :mod:`~napari_longiseg.training.network.augment`.
"""

from __future__ import annotations

import time
from typing import Any, cast

import lightning
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from napari_longiseg.models.inputs import Inputs, channels
from napari_longiseg.models.longinet import LongiNet
from napari_longiseg.training.cases import Case
from napari_longiseg.training.config import Augmentation, TrainingConfig
from napari_longiseg.training.data import Batches, seed_of
from napari_longiseg.training.network.augment import augmented
from napari_longiseg.training.network.average import averaged
from napari_longiseg.training.network.losses import reconstruction_loss, supervised_loss
from napari_longiseg.training.network.scores import case_scores, mean_scores
from napari_longiseg.training.schedule import rate_factor
from napari_longiseg.training.start import CHECKPOINT_KEY, Start

NO_SCORES = torch.zeros(4)


class LesionTraining(lightning.LightningModule):
    """Both kinds of networks: their losses, their optimiser, and what is logged.

    Parameters
    ----------
    start : Start
        The network to train.
    batches : Batches
        What it is trained and validated on.
    """

    def __init__(self, config: TrainingConfig, start: Start, batches: Batches) -> None:
        super().__init__()
        self.config = config
        self.card = start.card
        self.network = start.network
        self.average = averaged(start.network, config.ema) if config.ema else None
        self._batches = batches
        self._scores = NO_SCORES
        self._step_began = 0.0

    @property
    def best_network(self) -> torch.nn.Module:
        """What is validated and kept: the average, where there is one."""
        return self.average.module if self.average else self.network

    def train_dataloader(self) -> DataLoader[Case]:
        """Called before every epoch."""
        return self._batches.training(self.current_epoch, self.global_rank, self.trainer.world_size)

    def val_dataloader(self) -> DataLoader[Case]:
        """The same in every epoch."""
        return self._batches.validation(self.global_rank, self.trainer.world_size)

    def training_step(self, batch: Case, index: int) -> Tensor:
        """Loss of a batch."""
        how = self.config.augmentation
        if how:
            generator = torch.Generator(self.device)
            generator.manual_seed(seed_of(self.config.seed, self.global_step, self.global_rank))
            streams = Streams(self.config.inputs, batch, how, generator)
        else:
            streams = Streams(self.config.inputs, batch)
        if streams.baseline is None:
            loss = supervised_loss(self.network(streams.followup), streams.target)
        else:
            network = cast("LongiNet", self.network)
            logits, masks = network.with_reconstruction(streams.baseline, streams.followup)
            main = supervised_loss(logits, streams.target)
            auxiliary = reconstruction_loss(masks, streams.baseline[:, -1])
            parts = {"train/followup_loss": main, "train/baseline_loss": auxiliary}
            self.log_dict(parts, on_epoch=True, batch_size=len(streams.target))
            loss = main + self.config.auxiliary_weight * auxiliary
        self.log("train/loss", loss, on_epoch=True, prog_bar=True, batch_size=len(streams.target))
        return loss

    def on_train_start(self) -> None:
        """Take the config's rates, since a checkpoint has brought back those that it was made with."""
        (optimiser,), (plan,) = self.trainer.optimizers, self.trainer.lr_scheduler_configs
        schedule = cast("torch.optim.lr_scheduler.LambdaLR", plan.scheduler)
        rate = self.config.optimiser.learning_rate
        schedule.base_lrs = [rate]
        now = rate * schedule.lr_lambdas[0](schedule.last_epoch)
        optimiser.param_groups[0].update(self._settings, lr=now, initial_lr=rate)
        self._step_began = time.perf_counter()  # may be within an epoch

    def on_train_epoch_start(self) -> None:
        """Note the time, without that of the validation."""
        self._step_began = time.perf_counter()

    def on_train_batch_end(self, *_: object) -> None:
        """Let the average follow; log the rate, and the time with that of waiting for cases."""
        if self.average:
            self.average.update_parameters(self.network)
        now = time.perf_counter()
        self.log("train/step_s", now - self._step_began, on_step=True, on_epoch=True)
        self._step_began = now
        self.log("train/learning_rate", self.trainer.optimizers[0].param_groups[0]["lr"])

    def on_validation_epoch_start(self) -> None:
        """Begin to count."""
        self._scores = NO_SCORES.to(self.device)

    def validation_step(self, batch: Case, index: int) -> None:
        """Add the scores of a batch."""
        streams = Streams(self.config.inputs, batch)
        seen = (streams.followup,) if streams.baseline is None else (streams.baseline, streams.followup)
        logits = self.best_network(*seen)
        finest = logits if isinstance(logits, Tensor) else logits[0]
        loss = supervised_loss(finest, streams.target)
        self.log("validation/loss", loss, batch_size=len(finest), sync_dist=True)
        self._scores = self._scores + case_scores(finest.argmax(1), streams.target)

    def on_validation_epoch_end(self) -> None:
        """Log what the epoch came to, on all devices together."""
        sums = self.trainer.strategy.reduce(self._scores, reduce_op="sum")
        for name, value in mean_scores(cast("Tensor", sums)).items():
            self.log(f"validation/{name}", value, prog_bar=name == "dice", rank_zero_only=False)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Say in the checkpoint what its network is."""
        checkpoint[CHECKPOINT_KEY] = self.card.model_dump_json()

    def configure_optimizers(self) -> Any:  # noqa: ANN401
        """The config's optimiser, its rate set anew at every step."""
        chosen = self.config.optimiser
        make = torch.optim.SGD if chosen.name == "sgd" else torch.optim.AdamW
        optimiser = make(self.network.parameters(), lr=chosen.learning_rate, **self._settings)
        steps = int(self.trainer.estimated_stepping_batches)
        warmup = chosen.warmup_epochs * steps // self.config.epochs

        def factor(step: int) -> float:
            return rate_factor(step, steps, warmup, chosen.warmup_factor, chosen.poly_power)

        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, factor)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    @property
    def _settings(self) -> dict[str, Any]:
        """What the optimiser has besides its rate."""
        chosen = self.config.optimiser
        by_name = {"momentum": chosen.momentum, "nesterov": chosen.nesterov} if chosen.name == "sgd" else {}
        return {"weight_decay": chosen.weight_decay} | by_name


class Streams:
    """What a network sees of a batch, and what it is to find.

    Attributes
    ----------
    followup : (B, C, Z, Y, X)
        Of the scan to outline on.
    target : (B, Z, Y, X)
        The lesion there.
    baseline : (B, C + 1, Z, Y, X) or None
        Of the baseline scan with the lesion's mask, where there is one.
    """

    def __init__(
        self,
        inputs: Inputs,
        batch: Case,
        how: Augmentation | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        reference, windows = batch["reference_hu"], len(inputs.windows)

        def changed(image: Tensor, clicks: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
            stream = channels(inputs, image, reference, clicks)
            if how is None or generator is None:
                return stream, mask
            return augmented(stream, mask, windows, how, generator)

        self.followup, self.target = changed(batch["image"], batch["clicks"], batch["target"])
        self.baseline: Tensor | None = None
        if "baseline_image" in batch:
            before, mask = changed(batch["baseline_image"], batch["baseline_clicks"], batch["baseline_mask"])
            self.baseline = torch.cat((before, mask[:, None].to(before.dtype)), dim=1)
