"""The published LongiNet at full size, which takes 8 GB and minutes."""

import lightning  # noqa: TID253 - what is tested
import pytest
import torch  # noqa: TID253

from napari_longiseg.core.progress import silent
from napari_longiseg.training.config_file import read_config
from napari_longiseg.training.data import RandomisedBatches
from napari_longiseg.training.longinet import LesionTraining
from napari_longiseg.training.start import starting_network


@pytest.mark.slow
def test_one_step_and_one_inference():
    """With one case instead of eight."""
    changes = {"data": "{source: randomised}", "steps_per_epoch": "1", "batch_size": "1", "workers": "0"}
    config = read_config("longinet", changes | {"validation_cases": "1"})
    start = starting_network(config)
    assert sum(p.numel() for p in start.network.parameters()) == pytest.approx(103e6, rel=0.01)
    training = LesionTraining(config, start, RandomisedBatches(config, config.data, silent))
    before = {name: value.clone() for name, value in start.network.named_parameters()}
    trainer = lightning.Trainer(fast_dev_run=True, accelerator="cpu", logger=False)
    trainer.fit(training)
    assert torch.isfinite(trainer.callback_metrics["train/loss"])
    assert torch.isfinite(trainer.callback_metrics["validation/loss"])
    changed = {
        name for name, value in start.network.named_parameters() if not torch.equal(value, before[name])
    }
    assert {"baseline_stem.weight", "fusion.5.weight", "reconstruction.5.weight"} <= changed
