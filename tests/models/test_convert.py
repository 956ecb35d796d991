import sys
from types import ModuleType

import pytest
import torch  # noqa: TID253 - weights are its tensors

from napari_longiseg.core.errors import InputError, UntrustedFileError
from napari_longiseg.models.architecture import build
from napari_longiseg.models.convert import convert, convert_nnunet
from napari_longiseg.models.inputs import Window
from napari_longiseg.models.longinet import transfer
from napari_longiseg.models.network_file import load_network
from napari_longiseg.models.nnunet import read_nnunet_model, read_nnunet_weights
from napari_longiseg.models.weights import layout, read_weights


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out.safetensors"


class TestWeights:
    @pytest.mark.parametrize("wrap", [dict, lambda w: {"state_dict": w}, lambda w: {"network_weights": w}])
    def test_are_written_with_their_names(self, tmp_path, weights, out, wrap):
        torch.save(wrap(weights), tmp_path / "a.ckpt")
        assert layout(convert(tmp_path / "a.ckpt", out)) == layout(weights)
        assert layout(read_weights(out)) == layout(weights)
        assert torch.equal(read_weights(out)["first.weight"], weights["first.weight"])

    def test_that_a_network_repeats_are_written_once(self, tmp_path, architecture, out):
        network = build(architecture, 1)
        torch.save(network.state_dict(), tmp_path / "a.pth")
        convert(tmp_path / "a.pth", out)
        values = sum(weight.numel() for weight in network.parameters())
        assert out.stat().st_size < 4 * values + 200 * len(network.state_dict())
        assert layout(read_weights(out)) == layout(network.state_dict())
        assert transfer(build(architecture, 1), read_weights(out)).is_whole

    def test_may_be_parts_of_one_tensor(self, tmp_path, out):
        whole = torch.arange(12.0).reshape(3, 4)
        torch.save({"row": whole[1], "column": whole[:, 1], "whole": whole}, tmp_path / "a.pth")
        convert(tmp_path / "a.pth", out)
        assert read_weights(out)["column"].tolist() == [1, 5, 9]

    def test_may_be_safetensors_already(self, tmp_path, weights, file, out):
        convert(file, out)
        assert layout(convert(out, tmp_path / "again.safetensors")) == layout(weights)


class TestCode:
    def test_is_not_run_unless_trusted(self, tmp_path, weights, code, out):
        torch.save({"state_dict": weights, "callback": code}, tmp_path / "a.ckpt")
        with pytest.raises(UntrustedFileError, match=r"a.ckpt holds code besides weights"):
            convert(tmp_path / "a.ckpt", out)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a.ckpt"]
        convert(tmp_path / "a.ckpt", out, trusted=True)
        assert (tmp_path / "ran").exists()
        assert layout(read_weights(out)) == layout(weights)

    def test_of_a_whole_network_gives_its_weights(self, tmp_path, out):
        torch.save(torch.nn.Linear(2, 3), tmp_path / "a.pt")
        convert(tmp_path / "a.pt", out, trusted=True)
        assert {name: tuple(t.shape) for name, t in read_weights(out).items()} == {
            "weight": (3, 2),
            "bias": (3,),
        }

    def test_of_a_package_that_is_not_here(self, tmp_path, out, monkeypatch):
        elsewhere = ModuleType("elsewhere")
        elsewhere.Net = type("Net", (), {"__module__": "elsewhere"})
        with monkeypatch.context() as installed:
            installed.setitem(sys.modules, "elsewhere", elsewhere)
            torch.save(elsewhere.Net(), tmp_path / "a.pt")
        with pytest.raises(
            InputError, match=r"a.pt was made with the Python package elsewhere, which must be"
        ):
            convert(tmp_path / "a.pt", out, trusted=True)

    def test_that_fails(self, tmp_path, out, code, monkeypatch):
        monkeypatch.setattr(type(code), "__reduce__", lambda _: (int, ("words",)))
        torch.save(code, tmp_path / "a.pt")
        with pytest.raises(
            InputError, match=r"a.pt cannot be opened here; its code says: ValueError: invalid"
        ):
            convert(tmp_path / "a.pt", out, trusted=True)


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("network.trch", "out.pth", r"out.pth must end in .safetensors"),
        ("network.trch", "there.safetensors", r"there.safetensors is there already; name another file"),
        ("network.trch", "network.trch/out.safetensors", "network.trch cannot be written to"),
        ("missing.pth", "out.safetensors", r"There is no file .*missing.pth"),
        ("empty.pth", "out.safetensors", r"empty.pth holds no weights of a network"),
    ],
)
def test_files_that_cannot_be_used(tmp_path, file, source, target, message):
    (tmp_path / "there.safetensors").touch()
    torch.save({"epoch": 3}, tmp_path / "empty.pth")
    with pytest.raises(InputError, match=message):
        convert(tmp_path / source, tmp_path / target)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "empty.pth",
        "network.trch",
        "there.safetensors",
    ]


class TestNnunet:
    uls = {"resampling_fn_data": "no_resampling_data_or_seg_to_shape"}

    def test_becomes_a_network_of_ours(self, nnunet_folder, out):
        folder = nnunet_folder("new", configuration=self.uls)
        card = convert_nnunet(folder, out)
        network, its_card = load_network(out)
        assert card == its_card
        assert card.kind == "uls"
        assert card.inputs.size == (8, 16, 16)
        assert card.inputs.spacings_mm is None
        assert card.inputs.windows == (Window(low_hu=-900, high_hu=700, normal=(-60, 280)),)
        assert card.training == {"made by": "nnU-Net, configuration 3d_fullres"}
        theirs = read_nnunet_weights(read_nnunet_model(folder))
        assert all(torch.equal(weight, theirs[name]) for name, weight in network.named_parameters())

    def test_keeps_voxels_with_equal_edges(self, nnunet_folder, out):
        folder = nnunet_folder("new", configuration={"spacing": [1.5, 1.5, 1.5]})
        assert convert_nnunet(folder, out).inputs.spacings_mm == (1.5,)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({}, "sees voxels with equal edges, and not of 3 x 0.8 x 0.7 mm"),
            (
                {"configuration": uls | {"normalization_schemes": ["ZScoreNormalization"]}},
                "sees windows of HU, which ZScoreNormalization does not make",
            ),
            (
                {"configuration": uls, "dataset": {"labels": {"background": 0, "liver": 1, "lesion": 2}}},
                "tells 3 classes apart, where a network of ours knows lesion or not",
            ),
            (
                {"configuration": uls, "arguments": {"features_per_stage": [4, 6, 8]}},
                r"checkpoint_best.pth do not fit their plans: \d+ of \d+ tensors taken; \d+ of another shape",
            ),
        ],
    )
    def test_that_ours_are_not_like_is_refused(self, nnunet_folder, out, changes, message):
        with pytest.raises(InputError, match=message):
            convert_nnunet(nnunet_folder("new", **changes), out)
        assert not out.exists()

    def test_does_not_overwrite(self, nnunet_folder, out):
        out.touch()
        with pytest.raises(InputError, match="is there already; name another file"):
            convert_nnunet(nnunet_folder("new"), out)
