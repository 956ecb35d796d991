import signal

import pytest
import torch  # noqa: TID253 - cases are its tensors
from torch.utils.data import IterableDataset  # noqa: TID253

from napari_longiseg.core.progress import silent
from napari_longiseg.training.config_file import read_config
from napari_longiseg.training.data import leave_signals_alone, make_batches, seed_of
from napari_longiseg.training.folder import TrainingFolder
from napari_longiseg.training.randomised import cases


class Numbers(IterableDataset):
    """Cases that are random numbers."""

    def __init__(self, kind, inputs, seed, options):
        self.seed = seed

    def __iter__(self):
        random = torch.Generator().manual_seed(self.seed)
        while True:
            yield {"image": torch.rand((), generator=random)}


@pytest.fixture
def batches(monkeypatch, tmp_path):
    """Batches of four random cases; ten are set aside."""
    monkeypatch.setattr(cases, "RandomCases", Numbers)

    def make(seed=0):
        changes = {"workers": "0", "validation_cases": "10", "seed": str(seed)}
        return make_batches(read_config("embedded-uls", changes), TrainingFolder(tmp_path), silent)

    return make


def first(loader):
    return next(iter(loader))["image"].tolist()


def every(loader):
    return [number for batch in loader for number in batch["image"].tolist()]


def test_every_epoch_and_every_device_has_cases_of_its_own(batches):
    made = batches()
    seen = [first(made.training(epoch, rank, 2)) for epoch in (0, 1) for rank in (0, 1)]
    assert all(len(batch) == 4 for batch in seen)
    assert len({number for batch in seen for number in batch}) == 16


def test_an_epoch_is_the_same_after_a_break(batches):
    made, again = batches(), batches()
    for epoch in range(3):
        expected = first(made.training(epoch, 0, 1))
    assert first(again.training(2, 0, 1)) == expected
    assert first(batches(seed=1).training(2, 0, 1)) != expected


def test_the_cases_set_aside_stay_the_same_and_are_shared_by_the_devices(batches):
    made = batches()
    whole = every(made.validation(0, 1))
    assert len(set(whole)) == 10
    first(made.training(0, 0, 1))
    assert every(made.validation(0, 1)) == whole == every(batches().validation(0, 1))
    shares = [every(made.validation(rank, 3)) for rank in range(3)]
    assert sorted(number for share in shares for number in share) == sorted(whole)
    assert not set(whole) & set(first(made.training(0, 0, 1)))


def test_a_device_without_cases_of_its_own_looks_at_one(batches):
    """All of them must take part in what is added up over devices."""
    assert len(every(batches().validation(11, 12))) == 1


def test_seeds_of_several_numbers():
    assert seed_of(1, 2, 3) == seed_of(1, 2, 3)
    assert len({seed_of(1, 2, 3), seed_of(3, 2, 1), seed_of(1, 2), seed_of(1, 2, 4)}) == 4


def test_workers_leave_ctrl_c_to_the_training():
    before = signal.getsignal(signal.SIGINT)
    try:
        leave_signals_alone(0)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
