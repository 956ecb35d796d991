"""The cases of a training, in batches."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from napari_longiseg.core.progress import Progress
from napari_longiseg.training.cases import Case
from napari_longiseg.training.config import (
    LesionData,
    LongitudinalData,
    ManifestData,
    RandomisedData,
    TrainingConfig,
)
from napari_longiseg.training.folder import TrainingFolder
from napari_longiseg.training.real import jitter
from napari_longiseg.training.real.longitudinal import LongitudinalOptions, longitudinal_pairs
from napari_longiseg.training.real.pairs import Found, pairs_for
from napari_longiseg.training.real.split import kept_split
from napari_longiseg.training.real.store import ScanStore
from napari_longiseg.training.real.studies import study_pairs
from napari_longiseg.training.real.usable import usable_pairs

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

VALIDATION = 2**31 - 1
"""Takes the place of the epoch in the seed of the cases that are set aside."""

JITTERS = {
    "none": jitter.NONE,
    "embedded": jitter.EMBEDDED,
    "conventional": jitter.CONVENTIONAL,
    "reader": jitter.READER,
}


class Batches(Protocol):
    """What a network is trained on.

    A training that is resumed sees in every epoch what it would have seen without the break. Each of several
    devices (the *rank*-th of *ranks*) has cases of its own.
    """

    @property
    def report(self) -> Sequence[str]:
        """What there is and what was left out, in sentences for the user."""

    def training(self, epoch: int, rank: int, ranks: int) -> DataLoader[Case]:
        """The batches of an epoch."""

    def validation(self, rank: int, ranks: int) -> DataLoader[Case]:
        """The cases that are set aside, the same in every epoch."""


class RandomisedBatches:
    """Random cases: others in every epoch, and some that are set aside, in memory.

    Raises
    ------
    InputError
        When a background of the config cannot be read.
    """

    report: Sequence[str] = ()

    def __init__(self, config: TrainingConfig, data: RandomisedData, progress: Progress) -> None:
        from napari_longiseg.training.randomised.cases import RandomCases

        self._config = config
        self._cases = RandomCases(config.kind, config.inputs, seed_of(config.seed, VALIDATION), data)
        self._aside: list[Case] = []
        for case in islice(self._cases, config.validation_cases):
            progress("Making cases for validation", len(self._aside) / config.validation_cases)
            self._aside.append(case)

    def training(self, epoch: int, rank: int, ranks: int) -> DataLoader[Case]:
        """A part of the stream."""
        self._cases.seed = seed_of(self._config.seed, epoch, rank)
        return _loader(self._cases, self._config)

    def validation(self, rank: int, ranks: int) -> DataLoader[Case]:
        """The cases in memory."""
        share = _share(len(self._aside), rank, ranks)
        return _loader(self._aside, self._config, sampler=share, num_workers=0)


class RealBatches:
    """Lesions of real scans; a share of the patients is set aside, once for a training.

    Raises
    ------
    InputError
        When there is nothing to train on, or the data are not those that the training has begun with.
    """

    def __init__(
        self,
        config: TrainingConfig,
        data: LesionData,
        found: Found,
        folder: TrainingFolder,
        progress: Progress,
    ) -> None:
        self._config, self._jitter = config, JITTERS[data.jitter]
        self._store = ScanStore(data.store or folder.scans)
        found = Found(pairs_for(config.kind, found.pairs), found.skipped)
        found = usable_pairs(found, self._store, threads=max(config.workers, 1), progress=progress)
        patients = {pair.patient for pair in found.pairs}
        split = kept_split(folder.split, patients, config.validation_fraction, config.seed)
        self._training, self._aside = split.divide(found.pairs)
        self.report = [
            *(f"Left out: {reason}" for reason in found.skipped),
            f"{len(self._training)} cases of {len(split.training)} patients to train on, "
            f"{len(self._aside)} of {len(split.validation)} set aside.",
        ]

    def training(self, epoch: int, rank: int, ranks: int) -> DataLoader[Case]:
        """All lesions once, in another order and with other clicks in every epoch."""
        from napari_longiseg.training.real.dataset import PairDataset, epoch_order

        config, seed = self._config, self._config.seed
        cases = PairDataset(self._training, config.inputs, self._store, self._jitter, seed, epoch)
        return _loader(cases, config, sampler=epoch_order(len(cases), seed, epoch, rank, ranks))

    def validation(self, rank: int, ranks: int) -> DataLoader[Case]:
        """The lesions of the other patients, always with the same clicks."""
        from napari_longiseg.training.real.dataset import PairDataset

        config = self._config
        cases = PairDataset(self._aside, config.inputs, self._store, self._jitter, config.seed, VALIDATION)
        return _loader(cases, config, sampler=_share(len(cases), rank, ranks))


def make_batches(config: TrainingConfig, folder: TrainingFolder, progress: Progress) -> Batches:
    """The cases that a config asks for.

    Raises
    ------
    InputError
        When they cannot be used.
    StorageError
        When there is no room to unpack them.
    """
    data = config.data
    if isinstance(data, RandomisedData):
        return RandomisedBatches(config, data, progress)
    return RealBatches(config, data, _listed(data), folder, progress)


def _listed(data: LongitudinalData | ManifestData) -> Found:
    if isinstance(data, ManifestData):
        return study_pairs(data.studies, forward_only=data.forward_only)
    options = LongitudinalOptions(
        patients=data.patients,
        unclear=data.unclear,
        challenge_only=data.challenge_only,
        propagated=data.propagated,
        both_ways=data.both_ways,
    )
    return longitudinal_pairs(data.folder, options)


def _share(count: int, rank: int, ranks: int) -> Sequence[int]:
    """Every device's part of the cases; the first one where there are fewer than devices."""
    return range(rank, count, ranks) or range(1)


def _loader(cases: Any, config: TrainingConfig, **options: Any) -> DataLoader[Case]:  # noqa: ANN401
    from torch.utils.data import DataLoader

    options = {"num_workers": config.workers} | options
    return DataLoader(cases, config.batch_size, worker_init_fn=leave_signals_alone, **options)


def leave_signals_alone(worker: int) -> None:
    """Let Ctrl-C end the training alone, which ends its workers in turn."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def seed_of(*numbers: int) -> int:
    """One seed for several numbers, unlike that of all others."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
