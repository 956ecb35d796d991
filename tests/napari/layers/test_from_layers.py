from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from napari.layers import Image, Labels, Layer
from napari_longiseg._napari.layers.adopt import loaded_study, scan_layers
from napari_longiseg._napari.layers.from_layers import (
    LayerScan,
    date_in,
    hu_doubt,
    layers_as_study,
    refusal,
    spacing_of,
    take_over,
    unit_doubt,
)
from napari_longiseg._napari.layers.scans import study_layers
from napari_longiseg.core.errors import GeometryError, InputError

SHAPE = (4, 6, 8)
SIZE, PLACE = (2.5, 0.7, 0.8), (-30.0, 12.0, 5.5)
ROTATION = np.array([[1.0, 0.0, 0.0], [0.0, 0.8, -0.6], [0.0, 0.6, 0.8]])


def ct(dtype=np.int16) -> np.ndarray:
    """Air and soft tissue, different in every voxel."""
    return (np.arange(np.prod(SHAPE)).reshape(SHAPE) - 100 - 900 * (np.arange(8) < 3)).astype(dtype)


def image(data=None, name="ct", units=("mm",) * 3, **options) -> Image:
    options = {"scale": SIZE, "translate": PLACE, **options}
    return Image(ct() if data is None else data, name=name, units=units, **options)


def scan_of(layer, **options):
    return layers_as_study([LayerScan(layer, "T0", **options)], "P01").scans[0]


def test_layers_become_scans_in_the_order_given_without_a_copy():
    first, second = image(), image(ct(np.float32))
    dates = dt.date(2024, 1, 10), dt.date(2024, 3, 10)
    study = layers_as_study([LayerScan(first, "T0", dates[0]), LayerScan(second, "T1", dates[1])], " P01 ")
    assert study.patient == "P01"
    assert [(scan.id, scan.date) for scan in study.scans] == [("T0", dates[0]), ("T1", dates[1])]
    assert study.scans[0].image is first.data
    assert study.scans[1].image is second.data
    np.testing.assert_allclose(study.scans[0].grid.spacing_mm, SIZE)
    np.testing.assert_allclose(study.scans[0].grid.origin_mm, PLACE)
    assert "were taken as z, y, x in LPS" in study.scans[0].notes[0]


@pytest.mark.parametrize(("unit", "per_mm"), [("um", 1000.0), ("mm", 1.0), ("cm", 0.1), ("m", 0.001)])
def test_units_of_length_are_turned_into_mm(unit, per_mm):
    layer = image(scale=np.multiply(SIZE, per_mm), translate=np.multiply(PLACE, per_mm), units=(unit,) * 3)
    assert unit_doubt(layer) == ""
    np.testing.assert_allclose(scan_of(layer).grid.spacing_mm, SIZE)
    np.testing.assert_allclose(scan_of(layer).grid.origin_mm, PLACE)


def test_axes_may_have_units_of_their_own():
    layer = image(scale=(0.25, 0.7, 0.8), translate=(-3.0, 12.0, 5.5), units=("cm", "mm", "mm"))
    np.testing.assert_allclose(scan_of(layer).grid.spacing_mm, SIZE)
    np.testing.assert_allclose(scan_of(layer).grid.origin_mm, PLACE)


def test_pixels_are_asked_about():
    layer = image(units=("pixel",) * 3)
    assert unit_doubt(layer) == "The layer says pixel: are its voxels 2.5 x 0.7 x 0.8 mm (z, y, x)?"
    with pytest.raises(GeometryError, match="say how large its voxels are in mm"):
        scan_of(layer)
    np.testing.assert_allclose(scan_of(layer, spacing_mm=SIZE).grid.origin_mm, PLACE)


def test_a_layer_with_the_wrong_size_has_the_wrong_place_too():
    layer = image(scale=(1, 1, 1), translate=(10, 20, 30), units=("pixel",) * 3)
    grid = scan_of(layer, spacing_mm=(5.0, 0.5, 0.5)).grid
    np.testing.assert_allclose(grid.spacing_mm, (5.0, 0.5, 0.5))
    np.testing.assert_allclose(grid.origin_mm, (50.0, 10.0, 15.0))


def test_sizes_that_no_ct_has_are_asked_about():
    assert "unusual for CT: is meter the right unit?" in unit_doubt(image(units=("m",) * 3))
    assert "unusual for CT" in unit_doubt(image(units=("um",) * 3))


def test_flipped_and_swapped_axes_lose_nothing():
    data = ct()
    layer = image(data, scale=(2.5, -0.7, 0.8))
    scan = scan_of(layer)
    np.testing.assert_array_equal(scan.image, data[:, ::-1])
    np.testing.assert_allclose(scan.grid.origin_mm, (PLACE[0], PLACE[1] - 0.7 * 5, PLACE[2]))
    np.testing.assert_allclose(scan.native.to_mm((1, 2, 3)), layer.data_to_world((1, 2, 3)))


@pytest.mark.parametrize(
    "turned", [{"rotate": ROTATION}, {"affine": np.pad(ROTATION, (0, 1)) + np.diag([0, 0, 0, 1.0])}]
)
def test_a_turned_layer_is_resampled_and_written_back_on_its_own_grid(turned):
    layer = image(scale=(2.5, 0.8, 0.8), **turned)
    scan = scan_of(layer)
    assert scan.grid.is_lps
    np.testing.assert_allclose(spacing_of(layer), (2.5, 0.8, 0.8))
    for index in ((0, 0, 0), (1, 2, 3), (3, 5, 7)):
        np.testing.assert_allclose(scan.native.to_mm(index), layer.data_to_world(index), atol=1e-9)
        assert scan.grid.contains(layer.data_to_world(index))


def test_a_sheared_layer_is_refused():
    with pytest.raises(GeometryError, match="ct is sheared; resample it"):
        scan_of(image(shear=(0.2, 0.0, 0.0)))


@pytest.mark.parametrize(
    ("layer", "why"),
    [
        (Labels(np.zeros(SHAPE, np.uint8), name="x"), "x is no image layer"),
        (Image(np.zeros((4, 6, 3)), rgb=True, name="x"), "x is in colour"),
        (Image([np.zeros((8, 8, 8)), np.zeros((4, 4, 4))], multiscale=True, name="x"), "x is multiscale"),
        (Image(np.zeros((6, 8)), name="x"), "x is 2-D"),
        (Image(np.zeros((2, 4, 6, 8)), name="x"), "x is 4-D"),
        (Image(np.zeros((1, 6, 8)), name="x"), "one slice thin"),
        (Image(np.zeros(SHAPE, bool), name="x"), "no numbers that could be HU, but bool"),
    ],
)
def test_what_is_no_volume_of_numbers_is_refused(layer, why):
    assert why in refusal(layer)
    with pytest.raises(InputError, match=why):
        scan_of(layer, spacing_mm=SIZE)


def test_values_that_are_no_numbers_are_refused():
    data = ct(np.float32)
    data[1, 2, 3] = np.nan
    with pytest.raises(InputError, match="ct holds values that are no numbers"):
        scan_of(image(data))


@pytest.mark.parametrize(
    ("dtype", "kept"), [(np.int32, np.int16), (np.float64, np.int16), (np.float16, np.int16)]
)
def test_other_numbers_are_stored_as_scans_store_them(dtype, kept):
    data = np.clip(ct(np.int16), -1000, 1000).astype(dtype)
    scan = scan_of(image(data))
    assert scan.image.dtype == kept
    np.testing.assert_array_equal(scan.image, data)


@pytest.mark.parametrize(
    ("data", "doubt"),
    [
        (ct(), ""),
        (np.linspace(0, 1, np.prod(SHAPE), dtype=np.float32).reshape(SHAPE), "as dark as air"),
        (np.where(ct() < -900, -1000, 30000).astype(np.int16), "above all that CT shows"),
    ],
)
def test_values_that_are_hardly_hu_are_doubted(data, doubt):
    layer = image(data)
    assert doubt in hu_doubt(layer)
    assert bool(hu_doubt(layer)) == bool(doubt)
    assert len(scan_of(layer).notes) == 1 + bool(doubt)


@pytest.mark.parametrize(
    ("name", "date"),
    [
        ("CT 2024-03-10 portal", dt.date(2024, 3, 10)),
        ("p01_20240310.nii", dt.date(2024, 3, 10)),
        ("2023-02-30 and 2024-02-29", dt.date(2024, 2, 29)),
        ("scan 120240310", None),
        ("T0", None),
    ],
)
def test_dates_are_read_from_names(name, date):
    assert date_in(name) == date


def test_without_layers_or_ids_there_is_no_study():
    with pytest.raises(InputError, match="at least one layer"):
        layers_as_study([], "P01")
    with pytest.raises(InputError, match="needs an id"):
        layers_as_study([LayerScan(image(), " ")], "P01")
    with pytest.raises(InputError, match="more than one scan called T0"):
        layers_as_study([LayerScan(image(), "T0"), LayerScan(image(), "T0")], "P01")


def test_a_layer_that_was_loaded_as_a_scan_keeps_what_is_known_of_it(study):
    data, options, kind = study_layers(study)[1]
    layer = Layer.create(data, options, kind)
    layer.translate = np.add(layer.translate, 7)  # as where a lesion is shown at one place in all cells
    scan = layers_as_study([LayerScan(layer, "later")], "P01").scans[0]
    assert scan.id == "later"
    assert (scan.date, scan.grid, scan.native) == (
        study.scans[1].date,
        study.scans[1].grid,
        study.scans[1].native,
    )


def test_the_layers_show_the_study_that_was_made_of_them(viewer):
    plain = viewer.add_image(ct(), scale=(2500, 700, 800), translate=(1, 2, 3), units=("um",) * 3, name="a")
    turned = viewer.add_image(ct(), scale=(2.5, 0.8, 0.8), rotate=ROTATION, units=("pixel",) * 3, name="b")
    before = plain.data
    chosen = [LayerScan(plain, "T0"), LayerScan(turned, "T1", spacing_mm=(2.5, 0.8, 0.8))]
    study = layers_as_study(chosen, "P01")
    take_over(study, [plain, turned])
    assert plain.data is before
    assert loaded_study(viewer.layers) is study
    assert scan_layers(viewer.layers, study) == {"T0": plain, "T1": turned}
    for scan, layer in zip(study.scans, (plain, turned), strict=True):
        assert {str(unit) for unit in layer.units} == {"millimeter"}
        for index in ((0, 0, 0), (1, 2, 3)):
            np.testing.assert_allclose(layer.data_to_world(index), scan.grid.to_mm(index), atol=1e-9)
