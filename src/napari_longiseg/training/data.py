"""The cases of a training, in batches."""

from __future__ import annotations

import signal
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from napari_longiseg.core.progress import Progress, silent
from napari_longiseg.training.cases import Case
from napari_longiseg.training.config import TrainingConfig
from napari_longiseg.training.folder import TrainingFolder
from napari_longiseg.training.randomised.options import RandomisedOptions

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

VALIDATION = 2**31 - 1
"""Takes the place of the epoch in the seed of the cases that are set aside."""


class Batches(Protocol):
    """What a network is trained on."""

    def training(self, epoch: int, rank: int) -> DataLoader[Case]:
        """The batches of an epoch on one of the devices; a resumed training sees what it would have seen."""

    def validation(self) -> DataLoader[Case]:
        """The cases that are set aside, the same in every epoch."""


class RandomisedBatches:
    """Random cases: others in every epoch, and some that are set aside, in memory.

    Raises
    ------
    InputError
        When a background of the config cannot be read.
    """

    def __init__(self, config: TrainingConfig, data: RandomisedOptions, progress: Progress = silent) -> None:
        from napari_longiseg.training.randomised.cases import RandomCases

        self._config = config
        self._cases = RandomCases(config.kind, config.inputs, seed_of(config.seed, VALIDATION), data)
        self._aside: list[Case] = []
        for case in islice(self._cases, config.validation_cases):
            progress("Making cases for validation", len(self._aside) / config.validation_cases)
            self._aside.append(case)

    def training(self, epoch: int, rank: int) -> DataLoader[Case]:
        """The stream of an epoch."""
        self._cases.seed = seed_of(self._config.seed, epoch, rank)
        return loader(self._cases, self._config)

    def validation(self) -> DataLoader[Case]:
        """The cases that are set aside."""
        return loader(self._aside, self._config, workers=0)


def loader(cases: Any, config: TrainingConfig, workers: int | None = None) -> DataLoader[Case]:  # noqa: ANN401
    """Batches of the config's size."""
    from torch.utils.data import DataLoader

    return DataLoader(
        cases,
        config.batch_size,
        num_workers=config.workers if workers is None else workers,
        worker_init_fn=leave_signals_alone,
    )


def leave_signals_alone(worker: int) -> None:
    """Let Ctrl-C end the training alone, which ends its workers in turn."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def seed_of(*numbers: int) -> int:
    """One seed for several numbers, unlike that of all others."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def make_batches(config: TrainingConfig, folder: TrainingFolder, progress: Progress = silent) -> Batches:
    """The cases that a config asks for.

    Raises
    ------
    InputError
        When they cannot be read.
    """
    return RandomisedBatches(config, config.data, progress)
