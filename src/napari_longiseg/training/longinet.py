"""Training of our networks, LongiNet and the single-scan network, as one Lightning module."""

from __future__ import annotations

import time
from typing import Any, cast

import lightning
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from napari_longiseg.models.architecture import Architecture
from napari_longiseg.models.inputs import Inputs, channels
from napari_longiseg.models.longinet import LongiNet
from napari_longiseg.models.network_file import NetworkCard
from napari_longiseg.training.cases import Case
from napari_longiseg.training.config import TrainingConfig
from napari_longiseg.training.data import RandomisedBatches
from napari_longiseg.training.network.average import averaged
from napari_longiseg.training.network.losses import reconstruction_loss, supervised_loss
from napari_longiseg.training.network.scores import CaseScores
from napari_longiseg.training.schedule import rate_factor


class LesionTraining(lightning.LightningModule):
    """Both kinds of networks: their losses, their optimiser, and what is logged.

    Parameters
    ----------
    network : nn.Module
        Made by :meth:`NetworkCard.empty`, with the config's deep supervision.
    batches : RandomisedBatches
        What it is trained and validated on.
    """

    def __init__(self, config: TrainingConfig, network: nn.Module, batches: RandomisedBatches) -> None:
        super().__init__()
        self.config = config
        self.network = network
        self.batches = batches
        self.average = averaged(network, config.ema) if config.ema else None
        self.scores = CaseScores()
        self._step_began = time.perf_counter()

    @property
    def best_network(self) -> nn.Module:
        """What is validated and kept: the average, where there is one."""
        return self.average.module if self.average else self.network

    def train_dataloader(self) -> DataLoader[Case]:
        """Called before every epoch."""
        return self.batches.training(self.current_epoch, self.global_rank)

    def val_dataloader(self) -> DataLoader[Case]:
        """The same in every epoch."""
        return self.batches.validation()

    def training_step(self, batch: Case, index: int) -> Tensor:
        """Loss of a batch."""
        followup, baseline = streams(self.config.inputs, batch)
        if baseline is None:
            loss = supervised_loss(self.network(followup), batch["target"])
        else:
            logits, masks = cast("LongiNet", self.network).with_reconstruction(baseline, followup)
            main = supervised_loss(logits, batch["target"])
            auxiliary = reconstruction_loss(masks, batch["baseline_mask"])
            self.log_dict({"train/followup_loss": main, "train/baseline_loss": auxiliary})
            loss = main + self.config.auxiliary_weight * auxiliary
        self.log("train/loss", loss, on_step=True, on_epoch=True, prog_bar=True)
        return loss

    def on_train_batch_start(self, *_: object) -> None:
        """Note the time, without that of waiting for cases."""
        self._step_began = time.perf_counter()

    def on_train_batch_end(self, *_: object) -> None:
        """Let the average follow, and log time and rate."""
        if self.average:
            self.average.update_parameters(self.network)
        self.log("train/step_s", time.perf_counter() - self._step_began)
        self.log("train/learning_rate", self.trainer.optimizers[0].param_groups[0]["lr"])

    def validation_step(self, batch: Case, index: int) -> None:
        """Collect the scores of a batch."""
        followup, baseline = streams(self.config.inputs, batch)
        network = self.best_network
        logits = network(followup) if baseline is None else network(baseline, followup)
        finest = logits if isinstance(logits, Tensor) else logits[0]
        self.log("validation/loss", supervised_loss(finest, batch["target"]), batch_size=len(finest))
        self.scores.add(finest.argmax(1), batch["target"])

    def on_validation_epoch_end(self) -> None:
        """Log what the epoch came to."""
        for name, value in self.scores.means().items():
            self.log(f"validation/{name}", value, sync_dist=True, prog_bar=name == "dice")
        self.scores = CaseScores()

    def configure_optimizers(self) -> Any:  # noqa: ANN401
        """The config's optimiser, its rate set anew at every step."""
        chosen = self.config.optimiser
        weights = self.network.parameters()
        optimiser: torch.optim.Optimizer
        if chosen.name == "sgd":
            optimiser = torch.optim.SGD(
                weights,
                lr=chosen.learning_rate,
                momentum=chosen.momentum,
                nesterov=chosen.nesterov,
                weight_decay=chosen.weight_decay,
            )
        else:
            optimiser = torch.optim.AdamW(weights, lr=chosen.learning_rate, weight_decay=chosen.weight_decay)
        steps = int(self.trainer.estimated_stepping_batches)
        warmup = chosen.warmup_epochs * steps // self.config.epochs

        def factor(step: int) -> float:
            return rate_factor(step, steps, warmup, chosen.warmup_factor, chosen.poly_power)

        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, factor)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def streams(inputs: Inputs, batch: Case) -> tuple[Tensor, Tensor | None]:
    """What the network sees of a batch: the follow-up's channels, and the baseline's where there are any."""
    reference = batch["reference_hu"]
    followup = channels(inputs, batch["image"], reference, batch["clicks"])
    if "baseline_image" not in batch:
        return followup, None
    baseline = channels(inputs, batch["baseline_image"], reference, batch["baseline_clicks"])
    mask = batch["baseline_mask"][:, None].to(baseline.dtype)
    return followup, torch.cat((baseline, mask), dim=1)


def card_of(config: TrainingConfig, architecture: Architecture, training: dict[str, str]) -> NetworkCard:
    """The card of a network that is trained so."""
    return NetworkCard(kind=config.kind, architecture=architecture, inputs=config.inputs, training=training)
