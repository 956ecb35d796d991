import pytest
import torch  # noqa: TID253 - networks are made of it

from napari_longiseg.models.architecture import build
from napari_longiseg.models.longinet import LongiNet, first_convolution, transfer

SIZE = (4, 16, 16)


@pytest.fixture
def pair():
    """A baseline of two channels with the lesion's mask as a third, and a follow-up of two."""
    seeded = torch.Generator().manual_seed(1)
    image, followup = (torch.rand(2, 2, *SIZE, generator=seeded) for _ in range(2))
    mask = torch.zeros(2, 1, *SIZE)
    mask[:, :, 1:3, 4:11, 5:12] = 1
    return torch.cat((image, mask), dim=1), followup


@pytest.fixture
def single(architecture):
    """A single-scan network as after a training: no weight is zero by chance of its start."""
    torch.manual_seed(2)
    network = build(architecture, channels=2)
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    return network


@pytest.fixture
def longinet(architecture, single):
    """A LongiNet on its weights, untrained."""
    network = LongiNet(architecture, channels=2)
    transfer(network.unet, single.state_dict())
    network.reset_transfer()
    return network


def without_mask(baseline):
    return torch.cat((baseline[:, :-1], torch.zeros_like(baseline[:, -1:])), dim=1)


class TestStart:
    def test_gives_the_output_of_the_single_scan_network(self, single, longinet, pair):
        baseline, followup = pair
        torch.testing.assert_close(longinet(baseline, followup), single(followup), atol=1e-5, rtol=0)

    def test_does_not_see_the_mask_yet(self, longinet, pair):
        baseline, _ = pair
        features = longinet._baseline_features
        for seen, unseen in zip(features(baseline), features(without_mask(baseline)), strict=True):
            assert torch.equal(seen, unseen)

    def test_the_baseline_is_seen_as_the_followup_is(self, longinet, pair):
        baseline, _ = pair
        levels = longinet.unet.encoder(baseline[:, :-1])
        for own, followups in zip(longinet._baseline_features(baseline), levels, strict=True):
            torch.testing.assert_close(own, followups)

    def test_a_step_makes_mask_and_baseline_seen(self, longinet, pair):
        baseline, followup = pair
        logits, masks = longinet.with_reconstruction(baseline, followup)
        loss = logits[:, 1].square().mean() + sum(level[:, 1].square().mean() for level in masks)
        loss.backward()
        assert longinet.baseline_stem.weight.grad[:, -1].abs().sum() > 0
        assert all(fusion.weight.grad[:, fusion.out_channels :].abs().sum() > 0 for fusion in longinet.fusion)
        with torch.no_grad():
            for weight in longinet.parameters():
                if weight.grad is not None:  # coarse outputs are for deep supervision
                    weight -= 1e-2 * weight.grad
        assert not torch.allclose(longinet(baseline, followup), longinet(without_mask(baseline), followup))


class TestWeights:
    def test_both_encoders_are_one(self, longinet, single):
        own = dict(longinet.named_parameters())
        assert {name for name in own if name.startswith("unet.")} == {
            f"unet.{name}" for name, _ in single.named_parameters()
        }
        others = {name.split(".")[0] for name in own} - {"unet"}
        assert others == {"baseline_stem", "fusion", "reconstruction"}

    def test_the_first_convolution_alone_is_not_shared(self, longinet, pair):
        baseline, _ = pair
        before = longinet._baseline_features(baseline)[-1]
        name, stem = first_convolution(longinet.unet.encoder)
        stem.weight.data.add_(1.0)
        torch.testing.assert_close(longinet._baseline_features(baseline)[-1], before)
        for other, weight in longinet.unet.encoder.named_parameters():
            if other.endswith("conv.weight") and not other.startswith(name):
                weight.data.neg_()
        assert not torch.allclose(longinet._baseline_features(baseline)[-1], before)

    def test_the_baseline_has_one_channel_more(self, longinet):
        _, stem = first_convolution(longinet.unet.encoder)
        assert longinet.baseline_stem.weight.shape == (4, 3, 1, 3, 3)
        assert longinet.baseline_stem.weight.shape[2:] == stem.weight.shape[2:]
        assert longinet.baseline_stem.padding == stem.padding

    def test_are_trained_by_both_streams(self, longinet, pair):
        """The shared encoder gets a gradient through the reconstruction, which sees the baseline alone."""
        baseline, followup = pair
        _, masks = longinet.with_reconstruction(baseline, followup)
        sum(level[:, 0].mean() for level in masks).backward()
        _, stem = first_convolution(longinet.unet.encoder)
        assert stem.weight.grad is None
        deepest = longinet.unet.encoder.stages[-1]
        assert all(weight.grad.abs().sum() > 0 for weight in deepest.parameters() if weight.dim() > 1)


def test_the_baseline_mask_is_reconstructed_at_every_level(longinet, pair):
    logits, masks = longinet.with_reconstruction(*pair)
    assert logits.shape == (2, 2, *SIZE)
    assert [tuple(level.shape) for level in masks] == [
        (2, 2, 4, 16, 16),
        (2, 2, 4, 8, 8),
        (2, 2, 2, 4, 4),
    ]


def test_deep_supervision_gives_every_decoder_stage(architecture, pair):
    network = LongiNet(architecture, channels=2, deep_supervision=True)
    assert [tuple(logits.shape[2:]) for logits in network(*pair)] == [(4, 16, 16), (4, 8, 8)]


class TestTransfer:
    def test_takes_every_tensor_of_the_same_network_once(self, architecture, single):
        report = transfer(build(architecture, 2), single.state_dict())
        assert report.taken == tuple(name for name, _ in single.named_parameters())
        assert report.is_whole
        assert str(report) == f"{len(report.taken)} of {len(report.taken)} tensors taken"

    def test_says_what_another_number_of_channels_costs(self, architecture, single):
        network = build(architecture, channels=4)
        name, stem = first_convolution(network.encoder)
        before = stem.weight.clone()
        report = transfer(network, single.state_dict())
        assert torch.equal(stem.weight, before)
        assert not report.is_whole
        assert [misfit.name for misfit in report.misfits] == [f"encoder.{name}.weight"]
        assert str(report) == (
            f"{len(report.taken)} of {len(report.taken) + 1} tensors taken; 1 of another shape not taken "
            f"(encoder.{name}.weight sees 4 channels here and 2 there)"
        )

    def test_says_what_is_missing_and_what_is_left(self, architecture, single):
        weights = {name: value for name, value in single.state_dict().items() if "seg_layers.0" not in name}
        report = transfer(build(architecture, 2), weights | {f"head.{n}": torch.ones(2) for n in range(5)})
        assert report.left == tuple(f"head.{n}" for n in range(5))
        assert str(report).endswith(
            "2 not in the source (decoder.seg_layers.0.weight, decoder.seg_layers.0.bias); "
            "5 of the source without a place here (head.0, head.1, head.2 and 2 more)"
        )

    def test_says_the_shapes_of_other_misfits(self, architecture, single):
        weights = single.state_dict() | {"decoder.seg_layers.1.bias": torch.ones(3)}
        report = transfer(build(architecture, 2), weights)
        assert "(decoder.seg_layers.1.bias is 2 here and 3 there)" in str(report)
