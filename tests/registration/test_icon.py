"""The learned registrations, on a network of the published kind with random weights."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch  # noqa: TID253 - the network is made of it

from napari_longiseg.core.errors import (
    Cancelled,
    InputError,
    MissingMethodError,
    RegistrationError,
)
from napari_longiseg.core.geometry import Box, Grid, as_point
from napari_longiseg.core.methods import REGISTRATIONS, create
from napari_longiseg.core.progress import silent
from napari_longiseg.core.scan import Scan
from napari_longiseg.io.images import write_image
from napari_longiseg.io.scans import load_scan
from napari_longiseg.models import registry
from napari_longiseg.registration._icon.common import common_lattice
from napari_longiseg.registration._icon.images import Window, network_input
from napari_longiseg.registration._icon.network import displacement, load_network, make_network
from napari_longiseg.registration._icon.run import Recipe, ask
from napari_longiseg.registration.base import RestoringRegistration
from napari_longiseg.registration.icon import (
    LunggradiconRegistration,
    MultigradiconRegistration,
    UnigradiconRegistration,
)
from napari_longiseg.registration.transforms import Affine

CPU = torch.device("cpu")
EDGE = 75
"""The least that the network takes is about 72; 175 would take a minute."""
BODY = Window(-1000.0, 1000.0)
RECIPE = Recipe(BODY, dark_outside=True, steps=0)
METHODS = (UnigradiconRegistration, MultigradiconRegistration, LunggradiconRegistration)


def random_weights(seed: int, last: float) -> dict[str, torch.Tensor]:
    """Weights of the published names and shapes; with *last* 0 the network gives the identity."""
    generator = torch.Generator().manual_seed(seed)

    def drawn(name: str, like: torch.Tensor) -> torch.Tensor:
        if name.endswith(("num_batches_tracked", "bias", "running_mean")):
            return torch.zeros(like.shape, dtype=like.dtype)
        if "batchNorms" in name:
            return torch.ones(like.shape)
        scale = last if "lastConv" in name else 0.6 / float(like[0].numel()) ** 0.5
        return torch.randn(like.shape, generator=generator) * scale

    return {name: drawn(name, tensor) for name, tensor in make_network(EDGE).state_dict().items()}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file of random weights as they are published; 283 MB."""
    path = tmp_path_factory.mktemp("weights") / "random.trch"
    torch.save(random_weights(0, last=1e-2), path)
    yield path
    path.unlink()


@pytest.fixture(scope="module")
def network(weights):
    return load_network(weights, EDGE, CPU)


@pytest.fixture(scope="module")
def identity_network():
    """As it is before it has learned anything."""
    found = make_network(EDGE)
    found.load_state_dict(random_weights(0, last=0.0), assign=True)
    return found.eval()


@pytest.fixture
def small(monkeypatch):
    """The registrations with the small network."""
    for method in METHODS:
        monkeypatch.setattr(method, "_edge", EDGE)


class Found:
    """Stands for a network: knows a map in units of the lattice, and what it was shown."""

    def __init__(self, phi=lambda points: points, edge=24):
        axis = torch.linspace(0, 1, edge)
        self.identity_map = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"))[None]
        self._phi = phi
        self.seen = ()

    def __call__(self, moving, fixed):
        self.seen = moving[0, 0].numpy(), fixed[0, 0].numpy()
        return self._phi

    def modules(self):
        """As many U-Nets to watch as the real one has; none with layers."""
        return [torch.nn.ModuleDict({"downConvs": torch.nn.Conv3d(1, 1, 1)}) for _ in range(4)]


def noise(seed: int, grid: Grid, scan_id: str = "T0") -> Scan:
    hu = np.random.default_rng(seed).integers(-1200, 1200, grid.shape)
    return Scan(scan_id, hu.astype(np.int16), grid)


def points_in(grid: Grid, count: int = 200, seed: int = 0) -> np.ndarray:
    low, high = grid.bounds_mm()
    margin = 0.03 * (high - low)
    return np.random.default_rng(seed).uniform(low + margin, high - margin, (count, 3))


class TestOptions:
    @pytest.mark.parametrize("method", METHODS)
    def test_are_declared_as_entry_points(self, method):
        assert create(REGISTRATIONS, method.name, device="cpu") == method(device="cpu")
        assert isinstance(method(), RestoringRegistration)

    def test_out_of_range(self):
        with pytest.raises(InputError, match="steps of further fitting must be none or more"):
            UnigradiconRegistration(instance_steps=-1)

    def test_other_files_make_another_version(self, tmp_path, monkeypatch):
        monkeypatch.setenv(registry.ENVIRONMENT, str(tmp_path))
        before = UnigradiconRegistration().version
        (tmp_path / "unigradicon.trch").write_bytes(b"1")
        assert UnigradiconRegistration().version != before
        assert UnigradiconRegistration(weights="else").version == before  # neither is there
        with_lungs = LunggradiconRegistration(lungs=str(tmp_path))
        before = with_lungs.version
        (tmp_path / "T0.nii.gz").write_bytes(b"1")
        assert with_lungs.version != before


class TestImports:
    def run(self, code: str) -> None:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def test_the_methods_import_neither_torch_nor_the_networks(self):
        self.run(
            "import sys; from napari_longiseg.registration.icon import LunggradiconRegistration as L\n"
            "L().version\n"
            "heavy = {'torch', 'itk', 'icon_registration', 'unigradicon'} & set(sys.modules)\n"
            "assert not heavy, heavy"
        )

    def test_the_network_does_without_itk(self):
        self.run(
            "import sys; from napari_longiseg.registration._icon.network import make_network\n"
            "import napari_longiseg.registration._icon.run, icon_registration.losses\n"
            "make_network(75)\n"
            "assert not {'itk', 'unigradicon'} & set(sys.modules)"
        )

    def test_a_missing_package_is_named(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "icon_registration.networks", None)
        with pytest.raises(MissingMethodError, match=r"run `pip install 'napari-longiseg\[icon\]'`"):
            make_network(EDGE)


class TestLattice:
    def test_of_one_field_of_view_is_that_of_the_published_resizing(self):
        grid = Grid((20, 31, 44), (3.1, 2.0, 1.7), (-30.0, 12.0, 5.5))
        scan = noise(1, grid)
        lattice = common_lattice(scan, scan, Affine.identity(), 40)
        scaled = (scan.image.astype(np.float32).clip(-1000, 1000) + 1000) / 2000
        expected = torch.nn.functional.interpolate(
            torch.from_numpy(scaled)[None, None], size=(40, 40, 40), mode="trilinear", align_corners=False
        )
        found = network_input(scan, None, BODY, lattice, Affine.identity(), CPU)
        assert torch.allclose(found, expected, atol=2e-5)

    def test_outside_the_lungs_all_is_0(self):
        grid = Grid((20, 20, 20), (2.0, 2.0, 2.0))
        mask = np.zeros(grid.shape, bool)
        mask[:10] = True
        scan = Scan("T0", np.full(grid.shape, -400, np.int16), grid)
        found = network_input(scan, mask, Window(-1000, 0), grid, Affine.identity(), CPU)[0, 0]
        assert torch.allclose(found[:10], torch.tensor(0.6))
        assert (found[10:] == 0).all()

    def test_holds_what_both_scans_show(self):
        source = noise(1, Grid((50, 60, 60), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0)))
        target = noise(1, Grid((30, 40, 80), (3.0, 2.0, 2.0), (400.0, 10.0, -20.0)))
        lattice = common_lattice(source, target, Affine.shift((395.0, 0.0, 0.0)), 10)
        low, high = lattice.bounds_mm()
        assert np.allclose(low, (3.5, 9.0, -1.0))
        assert np.allclose(high, (93.5, 89.0, 119.0))

    def test_refuses_scans_with_little_in_common(self):
        source = noise(1, Grid((50, 60, 60), (2.0, 2.0, 2.0)))
        with pytest.raises(RegistrationError, match="T0 and T0 have too little in common: less than 36 mm"):
            common_lattice(source, source, Affine.shift((70.0, 0.0, 0.0)), 10)


class TestPoints:
    SOURCE = Grid((20, 31, 44), (5.0, 2.0, 1.7), (-30.0, 12.0, 5.5))
    TARGET = Grid((33, 40, 36), (2.0, 2.2, 2.9), (200.0, -70.0, 9.0))

    def carried(self, network, affine=None, source=SOURCE, target=None):
        scans = (noise(1, source), noise(2, target or source, "T1"))
        return ask(network, (scans[0], None), (scans[1], None), affine or Affine.identity(), RECIPE, silent)

    def test_the_identity_is_the_identity(self, identity_network):
        points = points_in(self.SOURCE)
        assert np.abs(self.carried(identity_network)(points) - points).max() < 1e-3

    @pytest.mark.parametrize("flips", [(1, -1, -1), (-1, 1, 1)])
    def test_also_on_scans_that_the_reader_turns(self, flips, tmp_path):
        direction = np.diag(flips)[:, [0, 2, 1]]
        grid = Grid((20, 30, 40), (4.0, 2.0, 1.5), (10.0, -300.0, 80.0), tuple(map(tuple, direction)))
        write_image(tmp_path / "T0.nii.gz", noise(1, Grid(grid.shape, grid.spacing_mm)).image, grid)
        scan = load_scan(tmp_path / "T0.nii.gz", scan_id="T0")
        transform = ask(Found(), (scan, None), (scan, None), Affine.identity(), RECIPE, silent)
        points = grid.to_mm(np.random.default_rng(0).uniform(0, np.array(grid.shape) - 1, (50, 3)))
        assert np.abs(transform(points) - points).max() < 1e-3

    def test_the_affine_map_comes_after_the_networks_displacements(self):
        affine = Affine(np.diag([0.9, 1.05, 1.1]), np.array([200.0, -80.0, 3.0]))
        step = torch.tensor([0.1, -0.05, 0.02])[:, None, None, None]
        transform = self.carried(Found(lambda points: points + step), affine, target=self.TARGET)
        lattice = transform.steps[0].lattice
        moved = step.ravel().numpy() * 23 * np.array(lattice.spacing_mm)
        points = points_in(lattice)
        assert np.abs(transform(points) - affine(points + moved)).max() < 1e-3

    def test_between_nodes_they_are_interpolated(self):
        slope = torch.tensor([0.1, 0.2, -0.1])[:, None, None, None]
        transform = self.carried(Found(lambda points: points * (1 + slope)))
        lattice = transform.steps[0].lattice
        points = points_in(lattice)
        expected = points + slope.ravel().numpy() * (points - np.array(lattice.origin_mm))
        assert np.abs(transform(points) - expected).max() < 1e-3

    def test_the_source_is_the_fixed_image(self):
        """The network's map leads from the fixed image, which is the source, to the moving one."""
        grid, spot, goes = Grid((40, 40, 40), (3.0, 3.0, 3.0)), (20, 18, 15), (24, 17, 20)
        images = []
        for place in (spot, goes):
            image = np.full(grid.shape, -1000, np.int16)
            image[place] = 1000
            images.append(Scan("T0", image, grid))
        network = Found(edge=40)
        ask(network, (images[0], None), (images[1], None), Affine.identity(), RECIPE, silent)
        moving, fixed = (np.unravel_index(seen.argmax(), seen.shape) for seen in network.seen)
        assert (moving, fixed) == (goes, spot)
        step = (torch.tensor(goes) - torch.tensor(spot)).float()[:, None, None, None] / 39
        network = Found(lambda points: points + step, edge=40)
        transform = ask(network, (images[0], None), (images[1], None), Affine.identity(), RECIPE, silent)
        assert np.allclose(transform(grid.to_mm(spot)), grid.to_mm(goes), atol=1e-3)

    def test_what_is_not_finite_is_refused(self):
        with pytest.raises(RegistrationError, match="answer is not finite"):
            self.carried(Found(lambda points: points / 0))

    @pytest.mark.slow
    def test_agree_with_the_authors_own_program(self, network, weights, tmp_path):
        """Each image squeezed whole, as upstream has it: an affine map between the two fields of view."""
        source, target = noise(1, self.SOURCE), noise(2, self.TARGET)
        (low, high), (low_t, high_t) = source.grid.bounds_mm(), target.grid.bounds_mm()
        affine = Affine.about(low, low_t, np.diag((high_t - low_t) / (high - low)))
        points = points_in(self.SOURCE)
        np.savez(
            tmp_path / "in.npz",
            points=points,
            **{f"{n}{i}": v for i, s in enumerate((source, target)) for n, v in parts_of(s).items()},
        )
        code = [sys.executable, "-W", "ignore", "-c", UPSTREAM, str(EDGE), str(weights), str(tmp_path)]
        done = subprocess.run(code, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        upstream = np.load(tmp_path / "out.npz")
        transform = ask(network, (source, None), (target, None), affine, RECIPE, silent)
        found = transform.steps[0]
        steps = found.vectors / (74 * np.array(found.lattice.spacing_mm))[:, None, None, None]
        assert np.abs(steps).max() > 0.01
        assert np.abs(steps - upstream["steps"]).max() < 1e-4
        assert np.abs(transform(points) - upstream["points"]).max() < 0.01


def parts_of(scan: Scan) -> dict[str, np.ndarray]:
    return {"image": scan.image, "spacing": scan.grid.spacing_mm, "origin": scan.grid.origin_mm}


UPSTREAM = """
import sys, itk, numpy as np, torch, unigradicon
from icon_registration.itk_wrapper import create_itk_transform
edge, weights, folder = int(sys.argv[1]), sys.argv[2], sys.argv[3]
net = unigradicon.make_network([1, 1, edge, edge, edge], include_last_step=True)
net.assign_identity_map([1, 1, edge, edge, edge])
net.regis_net.load_state_dict(torch.load(weights, weights_only=True))
net.eval()
given = np.load(folder + "/in.npz")
images, tensors = [], []
for i in "01":
    image = itk.image_from_array(given["image" + i])
    image.SetSpacing(given["spacing" + i][::-1].tolist())
    image.SetOrigin(given["origin" + i][::-1].tolist())
    images.append(unigradicon.preprocess(image, "ct"))
    tensor = torch.Tensor(np.array(images[-1]))[None, None]
    size = net.identity_map.shape[2:]
    tensors.append(torch.nn.functional.interpolate(tensor, size=size, mode="trilinear", align_corners=False))
with torch.no_grad():
    phi = net.regis_net(tensors[1], tensors[0])(net.identity_map)
carry = create_itk_transform(phi, net.identity_map, images[1], images[0])
points = [list(carry.TransformPoint(p[::-1].tolist()))[::-1] for p in given["points"]]
np.savez(folder + "/out.npz", steps=(phi - net.identity_map)[0].numpy(), points=points)
"""


class TestWeights:
    def test_as_they_are_published(self, network):
        assert not network.training
        assert len(network.state_dict()) == 188
        assert all(parameter.requires_grad for parameter in network.parameters())  # to be fitted further

    def test_of_another_network(self, tmp_path):
        torch.save({"a.weight": torch.zeros(2, 3)}, tmp_path / "other.trch")
        with pytest.raises(
            InputError, match=r"other.trch does not hold weights .* its 1 tensors with 6 values"
        ):
            load_network(tmp_path / "other.trch", EDGE, CPU)

    def test_of_another_size(self, tmp_path):
        tensors = random_weights(0, last=0.0)
        name = next(iter(tensors))
        torch.save({name: torch.zeros(1, 1, 1, 1, 1)}, tmp_path / "other.trch")
        with pytest.raises(InputError, match="does not hold weights of this network"):
            load_network(tmp_path / "other.trch", EDGE, CPU)

    @pytest.mark.parametrize("method", METHODS)
    def test_missing(self, method, first, tmp_path, monkeypatch):
        monkeypatch.setenv(registry.ENVIRONMENT, str(tmp_path))
        with pytest.raises(MissingMethodError, match=f"`longiseg models download {method.name}`"):
            method(device="cpu").align(first, first, silent)

    @pytest.mark.parametrize(
        ("name", "message"),
        [(".", "is a folder"), ("no", "There is no file"), ("cut", "it is damaged, cut off")],
    )
    def test_files_that_are_none(self, name, message, first, weights, tmp_path):
        with weights.open("rb") as whole:
            (tmp_path / "cut").write_bytes(whole.read(1 << 20))
        with pytest.raises(InputError, match=message):
            UnigradiconRegistration(device="cpu", weights=str(tmp_path / name)).align(first, first, silent)


class TestAlign:
    SHIFT = np.array([40.0, -7.0, 11.0])

    @pytest.fixture
    def shifted(self, first):
        """The same patient in shifted coordinates."""
        grid = first.grid
        return Scan(
            "T1", first.image, Grid(grid.shape, grid.spacing_mm, as_point(grid.origin_mm + self.SHIFT))
        )

    @pytest.fixture
    def method(self, small, weights):
        return UnigradiconRegistration(device="cpu", weights=str(weights))

    def test_gives_a_map_that_can_be_kept(self, method, first, shifted, later_points, capfd):
        seen = []
        found = method.align(first, shifted, lambda _, fraction: seen.append(fraction))
        moved = found(later_points) - later_points - self.SHIFT
        assert 0.1 < np.linalg.norm(moved, axis=1).max() < 30  # random weights, but a shift is a shift
        assert found.report.summary.startswith("Local correlation")
        restored = method.restore(found.state(), first, shifted)
        assert np.array_equal(restored(later_points), found(later_points))
        assert restored.report == found.report
        assert seen == sorted(seen)
        assert (seen[0], seen[-1]) == (0.0, 1.0)
        assert len([fraction for fraction in seen if 0.25 < fraction < 0.95]) > 40  # in front of every layer
        assert capfd.readouterr() == ("", "")

    @pytest.mark.parametrize("fail_at", [0.0, 0.05, 0.15, 0.26, 0.6])
    def test_cancelling_through_progress_passes(self, method, first, shifted, fail_at):
        def progress(stage, fraction):
            if fraction >= fail_at:
                raise Cancelled("stop")

        with pytest.raises(Cancelled, match="stop"):
            method.align(first, shifted, progress)

    def test_a_missing_device_is_our_error(self, first):
        with pytest.raises(RegistrationError, match="no device called 'no such device'"):
            UnigradiconRegistration(device="no such device").align(first, first, silent)

    def test_further_fitting_on_a_cpu_is_refused_with_its_cost(self, first):
        with pytest.raises(RegistrationError, match="some 2 minutes and 11 GB; use a CUDA device"):
            UnigradiconRegistration(device="cpu", instance_steps=50).align(first, first, silent)


def test_a_displacement_has_the_unit_of_the_patient():
    lattice = Grid((10, 10, 10), (2.0, 3.0, 4.0))
    identity = Found(edge=10).identity_map
    found = displacement(lambda points: points + 1.0, identity, lattice)
    assert np.allclose(found.vectors.mean(axis=(1, 2, 3)), (18.0, 27.0, 36.0))
    assert found.lattice == lattice


def test_a_scan_that_is_too_thin(first, small, weights):
    box = Box((0, 0, 0), (5, *first.grid.shape[1:]))
    thin = Scan("thin", first.image[box.slices], first.grid.crop(box))
    with pytest.raises(RegistrationError, match="Scan thin is too small to align"):
        UnigradiconRegistration(device="cpu", weights=str(weights)).align(first, thin, silent)
