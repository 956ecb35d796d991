import json

import pytest
import torch  # noqa: TID253 - networks are made of it

from napari_longiseg.core.errors import InputError, UntrustedFileError
from napari_longiseg.models.architecture import build
from napari_longiseg.models.convert import convert
from napari_longiseg.models.inputs import Window
from napari_longiseg.models.longinet import transfer
from napari_longiseg.models.nnunet import read_nnunet_model, read_nnunet_weights


def nnunets_own_plans(folder, configuration):
    """What nnU-Net itself reads in the plans of a folder."""
    from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

    return PlansManager(str(folder / "plans.json")).get_configuration(configuration)


def nnunets_own_network(folder, configuration):
    """The network that nnU-Net itself builds from them: one channel, two classes."""
    from nnunetv2.utilities.get_network_from_plans import get_network_from_plans

    plans = nnunets_own_plans(folder, configuration)
    return get_network_from_plans(
        plans.network_arch_class_name.replace("residual_unet", "unet"),  # as old plans call it; it has moved
        plans.network_arch_init_kwargs,
        plans.network_arch_init_kwargs_req_import,
        1,
        2,
        deep_supervision=False,
    )


class TestArchitecture:
    @pytest.mark.filterwarnings("ignore:Detected old nnU-Net plans:UserWarning")
    @pytest.mark.parametrize("words", ["old", "new"])
    @pytest.mark.parametrize("kind", ["PlainConvUNet", "ResidualEncoderUNet"])
    def test_gives_the_output_of_nnunets_own_network(self, nnunet_folder, words, kind):
        folder = nnunet_folder(words, kind)
        torch.manual_seed(0)
        theirs = nnunets_own_network(folder, "3d_fullres")
        torch.save({"network_weights": theirs.state_dict()}, folder / "fold_all" / "checkpoint_best.pth")
        model = read_nnunet_model(folder, "3d_fullres")
        ours = build(model.architecture, model.channels)
        assert transfer(ours, read_nnunet_weights(model)).is_whole
        voi = torch.randn(1, 1, 8, 16, 16)
        torch.testing.assert_close(ours(voi), theirs(voi), atol=0, rtol=0)

    def test_one_number_may_stand_for_all_stages(self, nnunet_folder):
        each = read_nnunet_model(nnunet_folder("new"))
        one = {"kernel_sizes": 3, "n_conv_per_stage": 2, "n_conv_per_stage_decoder": 1, "strides": [1, 2, 2]}
        model = read_nnunet_model(nnunet_folder("new", arguments=one))
        assert model.architecture.kernels == ((3, 3, 3),) * 3
        assert model.architecture.strides == ((1, 1, 1), (2, 2, 2), (2, 2, 2))
        assert model.architecture.encoder_convs == (2, 2, 2)
        assert model.architecture.features == each.architecture.features

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"norm_op": "torch.nn.modules.batchnorm.BatchNorm3d"}, "norm_op .*BatchNorm3d; only .*Instance"),
            ({"norm_op_kwargs": {"eps": 1e-3, "affine": True}}, "with norm_op_kwargs {'eps': 0.001"),
            ({"nonlin": "torch.nn.ReLU"}, "with nonlin torch.nn.ReLU; only torch.nn.LeakyReLU can be used"),
            ({"conv_op": "torch.nn.modules.conv.Conv2d"}, "with conv_op .*Conv2d; only .*Conv3d"),
            ({"conv_bias": False}, "with conv_bias False; only True"),
            ({"dropout_op": "torch.nn.Dropout3d"}, "with dropout_op torch.nn.Dropout3d, which"),
            ({"nonlin_first": True}, "with nonlin_first True, which cannot be used"),
            ({"strides": [[1, 1, 1], [2, 2], [2, 2, 2]]}, "cannot be built here: strides.1.2: Field req"),
            ({"features_per_stage": None}, "cannot be built here: features: Input should be a valid tuple"),
            ({"kernel_sizes": [3, 3]}, "a U-Net of 3 stages needs 3 kernels"),
            ({"n_stages": "three"}, "is not as nnU-Net writes it: n_stages is of another kind"),
        ],
    )  # fmt: skip
    def test_refuses_what_is_not_built_here(self, nnunet_folder, change, message):
        with pytest.raises(InputError, match=rf"plans.json, configuration 3d_fullres, .*{message}"):
            read_nnunet_model(nnunet_folder("new", arguments=change))

    def test_refuses_other_classes_without_importing_them(self, nnunet_folder):
        folder = nnunet_folder("new", architecture={"network_class_name": "antigravity.Net"})
        with pytest.raises(InputError, match=r"describes a antigravity.Net; only PlainConvUNet and Residual"):
            read_nnunet_model(folder)
        with pytest.raises(InputError, match="describes a SwinUNETR; only PlainConvUNet and Residual"):
            read_nnunet_model(nnunet_folder("old", "SwinUNETR"))


class TestConfiguration:
    def test_is_the_one_that_was_trained(self, nnunet_folder):
        folder = nnunet_folder("old", trained="3d_fullres_resenc")
        model = read_nnunet_model(folder)
        assert (model.configuration, model.architecture.kind) == ("3d_fullres_resenc", "residual")
        assert read_nnunet_model(folder, "3d_fullres").architecture.kind == "plain"

    @pytest.mark.filterwarnings("ignore:Detected old nnU-Net plans:UserWarning")
    def test_inherits_what_it_does_not_say(self, nnunet_folder):
        folder = nnunet_folder("old", trained="3d_fullres_resenc")
        model = read_nnunet_model(folder)
        assert model.architecture.encoder_convs == (1, 3, 4)
        assert model.architecture.kernels[0] == (1, 3, 3)
        assert model.inputs.patch_size == (8, 16, 16)
        theirs = nnunets_own_plans(folder, "3d_fullres_resenc")
        assert theirs.network_arch_init_kwargs["n_blocks_per_stage"] == [1, 3, 4]
        assert theirs.patch_size == [8, 16, 16]

    def test_of_a_converted_checkpoint_is_in_the_name_of_the_folder(self, nnunet_folder):
        folder = nnunet_folder("old", trained="3d_fullres_resenc")
        fold = folder / "fold_all"
        convert(fold / "checkpoint_best.pth", fold / "checkpoint_best.safetensors")
        with pytest.raises(
            InputError, match=r"does not say which configuration .* 3d_fullres, 3d_fullres_resenc"
        ):
            read_nnunet_model(folder)
        named = folder.rename(folder.with_name("nnUNetTrainer__nnUNetPlans__3d_fullres_resenc"))
        assert read_nnunet_model(named).configuration == "3d_fullres_resenc"
        (fold := named / "fold_all").joinpath("checkpoint_best.pth").unlink()
        assert read_nnunet_model(fold).checkpoint.suffix == ".safetensors"

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (
                {"inherits_from": "3d_lowres"},
                "has no configuration 3d_lowres; there is 3d_fullres, 3d_fullres_re",
            ),
            ({"inherits_from": "3d_fullres_resenc"}, "3d_fullres inherits from itself"),
            ({"inherits_from": ["3d_lowres"]}, "inherits_from is of another kind"),
            ({"patch_size": [16, 16]}, "for 2-D slices; only 3-D ones can be used"),
            ({"patch_size": [8, 16, "wide"]}, "patch_size.2: Input should be a valid integer"),
            ({"patch_size": None}, "patch_size is of another kind"),
            ({"spacing": [3, 0.8, -0.8]}, "spacing.2: Input should be greater than 0"),
            ({"previous_stage": "3d_lowres"}, "refines 3d_lowres's result; take that one"),
            ({"normalization_schemes": []}, "normalises 0 channels, and there are 1"),
            ({"normalization_schemes": "CT"}, "normalization_schemes: Input should be a valid tuple"),
        ],
    )
    def test_refuses_what_cannot_be_seen_here(self, nnunet_folder, change, message):
        with pytest.raises(InputError, match=message):
            read_nnunet_model(nnunet_folder("new", configuration=change))

    def test_refuses_turned_scans(self, nnunet_folder):
        with pytest.raises(InputError, match="sees scans turned, which cannot be used"):
            read_nnunet_model(nnunet_folder("new", plans={"transpose_forward": [2, 0, 1]}))


class TestInputs:
    def test_are_those_of_the_plans(self, nnunet_folder):
        inputs = read_nnunet_model(nnunet_folder("new")).inputs
        assert inputs.patch_size == (8, 16, 16)
        assert inputs.spacing_mm == (3.0, 0.8, 0.7)
        assert [each.scheme for each in inputs.normalisations] == ["CTNormalization"]
        assert inputs.normalisations[0].window == Window(low_hu=-900, high_hu=700, normal=(-60, 280))

    def test_uls_leaves_the_voxels_as_they_are(self, nnunet_folder):
        uls = {"resampling_fn_data": "no_resampling_data_or_seg_to_shape"}
        assert read_nnunet_model(nnunet_folder("new", configuration=uls)).inputs.spacing_mm is None

    def test_very_old_plans_count_intensities_by_modality(self, nnunet_folder):
        folder = nnunet_folder("old", plans={"foreground_intensity_properties_per_channel": None})
        plans = json.loads((folder / "plans.json").read_text())
        plans["foreground_intensity_properties_by_modality"] = {
            "0": {"percentile_00_5": -9, "percentile_99_5": 7, "mean": 1, "std": 2}
        }
        del plans["foreground_intensity_properties_per_channel"]
        (folder / "plans.json").write_text(json.dumps(plans))
        window = read_nnunet_model(folder).inputs.normalisations[0].window
        assert window == Window(low_hu=-9, high_hu=7, normal=(1, 2))

    def test_other_schemes_have_a_name_only(self, nnunet_folder):
        other = {"normalization_schemes": ["ZScoreNormalization"]}
        (only,) = read_nnunet_model(nnunet_folder("new", configuration=other)).inputs.normalisations
        assert (only.scheme, only.window) == ("ZScoreNormalization", None)

    @pytest.mark.parametrize(
        ("intensities", "message"),
        [
            ({}, "0 is missing"),
            ({"0": {"mean": 1}}, "percentile_00_5: Field required"),
            ({"0": {"percentile_00_5": 5, "percentile_99_5": 5, "mean": 5, "std": 1}}, "a window must rise"),
            (
                {"0": {"percentile_00_5": 0, "percentile_99_5": 5, "mean": 5, "std": 0}},
                "normal.1: .* greater",
            ),
        ],
    )
    def test_damaged_intensities(self, nnunet_folder, intensities, message):
        folder = nnunet_folder("new", plans={"foreground_intensity_properties_per_channel": intensities})
        with pytest.raises(InputError, match=rf"is not as nnU-Net writes it: .*{message}"):
            read_nnunet_model(folder)


class TestDataset:
    def test_says_channels_and_classes(self, nnunet_folder):
        labels = {"background": 0, "organ": 1, "lesion": [2], "ignore": 3}
        names = {"channel_names": {"0": "CT", "1": "CT"}, "labels": labels}
        twice = {"normalization_schemes": ["CTNormalization", "NoNormalization"]}
        model = read_nnunet_model(nnunet_folder("new", dataset=names, configuration=twice))
        assert (model.channels, model.architecture.classes) == (2, 3)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"channel_names": None}, "channel_names is of another kind"),
            ({"modality": ["CT"]}, "modality is of another kind"),
            ({"labels": {"background": 0, "all": [1, 2], "core": [2]}}, "has labels that overlap"),
            ({"labels": {"0": "background"}}, "labels are not names with their values"),
            ({"labels": {"background": 0}}, "classes: Input should be greater than or equal to 2"),
        ],
    )
    def test_that_cannot_be_used(self, nnunet_folder, change, message):
        with pytest.raises(InputError, match=message):
            read_nnunet_model(nnunet_folder("new", dataset=change))


class TestCheckpoint:
    def test_is_the_best_of_the_fold_of_all_data(self, nnunet_folder):
        folder = nnunet_folder("new", checkpoints=("fold_0/checkpoint_best", "fold_all/checkpoint_final"))
        assert read_nnunet_model(folder).checkpoint == folder / "fold_all" / "checkpoint_final.pth"
        (folder / "fold_all" / "checkpoint_final.pth").rename(folder / "fold_all" / "checkpoint_best.pth")
        assert read_nnunet_model(folder).checkpoint == folder / "fold_all" / "checkpoint_best.pth"

    def test_is_else_of_the_first_fold(self, nnunet_folder):
        names = [f"fold_{fold}/checkpoint_final" for fold in (10, 2)]
        folder = nnunet_folder("new", checkpoints=names)
        assert read_nnunet_model(folder).checkpoint == folder / "fold_2" / "checkpoint_final.pth"

    def test_can_be_chosen(self, nnunet_folder):
        folder = nnunet_folder("new", checkpoints=("fold_0/checkpoint_final", "fold_1/checkpoint_final"))
        chosen = folder / "fold_1" / "checkpoint_final.pth"
        assert read_nnunet_model(folder / "fold_1").checkpoint == chosen
        assert read_nnunet_model(chosen).checkpoint == chosen

    def test_may_be_in_the_working_directory(self, nnunet_folder, monkeypatch):
        folder = nnunet_folder("new")
        monkeypatch.chdir(folder / "fold_all")
        for path in (".", "..", "checkpoint_best.pth"):
            assert read_nnunet_model(path).checkpoint == folder / "fold_all" / "checkpoint_best.pth"

    def test_may_lie_beside_the_plans(self, nnunet_folder):
        folder = nnunet_folder("new", checkpoints=("checkpoint_best",))
        assert read_nnunet_model(folder).checkpoint == folder / "checkpoint_best.pth"

    def test_holds_numbers_of_numpy_besides(self, nnunet_folder):
        """As nnU-Net writes it; :mod:`tests.models.test_weights` has what is let in, and what is not."""
        model = read_nnunet_model(nnunet_folder("new"))
        weights = read_nnunet_weights(model)
        assert transfer(build(model.architecture, model.channels), weights).is_whole

    def test_names_are_those_of_the_network_itself(self, nnunet_folder):
        folder = nnunet_folder("new")
        path = folder / "fold_all" / "checkpoint_best.pth"
        plain = read_nnunet_weights(read_nnunet_model(folder))
        wrapped = {f"module._orig_mod.{name}": value for name, value in plain.items()}
        torch.save({"network_weights": wrapped, "init_args": {"configuration": "3d_fullres"}}, path)
        assert list(read_nnunet_weights(read_nnunet_model(folder))) == list(plain)

    def test_with_code_is_not_opened(self, nnunet_folder, code):
        folder = nnunet_folder("new")
        torch.save({"network_weights": {}, "init_args": code}, folder / "fold_all" / "checkpoint_best.pth")
        with pytest.raises(
            UntrustedFileError, match=r"checkpoint_best.pth holds code .* `longiseg models convert"
        ):
            read_nnunet_model(folder)

    def test_without_weights(self, nnunet_folder):
        folder = nnunet_folder("new")
        torch.save({"epoch": 3}, folder / "fold_all" / "checkpoint_best.pth")
        model = read_nnunet_model(folder, "3d_fullres")
        with pytest.raises(InputError, match="holds no weights of a network"):
            read_nnunet_weights(model)

    def test_that_is_not_there(self, nnunet_folder):
        folder = nnunet_folder("new", checkpoints=())
        with pytest.raises(
            InputError, match=r"holds no weights of nnU-Net, such as fold_all/checkpoint_best.pth"
        ):
            read_nnunet_model(folder)


class TestFolder:
    def test_above_says_where_to_look(self, nnunet_folder):
        folder = nnunet_folder("new")
        with pytest.raises(InputError, match=rf"has no plans.json; name {folder}\."):
            read_nnunet_model(folder.parent)

    def test_of_something_else(self, tmp_path):
        with pytest.raises(
            InputError, match=r"has no plans.json, as the folder of a network that nnU-Net has"
        ):
            read_nnunet_model(tmp_path)
        with pytest.raises(InputError, match=r"There is no folder .*missing"):
            read_nnunet_model(tmp_path / "missing")

    @pytest.mark.parametrize("name", ["plans.json", "dataset.json"])
    def test_with_damaged_files(self, nnunet_folder, name):
        path = nnunet_folder("new") / name
        path.write_text(path.read_text()[:-10])
        with pytest.raises(InputError, match=f"{name} cannot be read as JSON; it is damaged or cut off"):
            read_nnunet_model(path.parent)
        path.write_text("[]")
        with pytest.raises(InputError, match=f"{name} is not as nnU-Net writes it: it holds no fields"):
            read_nnunet_model(path.parent)
        path.write_text("{}")
        with pytest.raises(InputError, match=f"{name} is not as nnU-Net writes it: .* is missing"):
            read_nnunet_model(path.parent)

    def test_without_a_dataset(self, nnunet_folder):
        folder = nnunet_folder("new")
        (folder / "dataset.json").unlink()
        with pytest.raises(InputError, match=r"dataset.json cannot be read: No such file"):
            read_nnunet_model(folder)
