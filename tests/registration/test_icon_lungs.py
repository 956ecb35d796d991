"""Where LungGradICON looks."""

import numpy as np
import pytest

from napari_longiseg.core.errors import GeometryError, InputError
from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.progress import silent
from napari_longiseg.core.scan import Scan
from napari_longiseg.io.images import write_image
from napari_longiseg.registration._icon.lungs import lungs_of, within
from napari_longiseg.registration.agreement import Agreement
from napari_longiseg.registration.icon import LunggradiconRegistration

GRID = Grid((20, 20, 20), (4.0, 2.0, 2.0), (5.0, 6.0, 7.0))


def scan_of(scan_id="T0"):
    return Scan(scan_id, np.full(GRID.shape, -850, np.int16), GRID)


def test_of_a_file_are_all_its_labels(tmp_path):
    finer = Grid((40, 40, 40), (2.0, 1.0, 1.0), (4.0, 5.5, 6.5))
    labels = np.zeros(finer.shape, np.uint8)
    labels[:20, :20], labels[20:, :20] = 10, 14
    write_image(tmp_path / "T0.nii.gz", labels, finer)
    mask, statement = lungs_of(scan_of(), str(tmp_path))
    assert mask[:, :10].all()
    assert not mask[:, 10:].any()
    assert statement == "The lungs of T0 are those of T0.nii.gz."


def test_of_another_scan_do_not_fit(tmp_path):
    elsewhere = Grid(GRID.shape, GRID.spacing_mm, (500.0, 6.0, 7.0))
    write_image(tmp_path / "T0.nii.gz", np.ones(elsewhere.shape, np.uint8), elsewhere)
    with pytest.raises(GeometryError, match=r"T0.nii.gz does not fit scan T0"):
        lungs_of(scan_of(), str(tmp_path))


def test_every_scan_needs_a_file(tmp_path):
    with pytest.raises(InputError, match=r"There is no lung mask .*T0.nii.gz; each scan needs"):
        lungs_of(scan_of(), str(tmp_path))


def test_without_any_the_report_says_so():
    masks, remarks = LunggradiconRegistration()._look_at(scan_of(), scan_of("T1"), silent)
    assert masks == (None, None)
    assert "No lungs were found on T0. No lungs were found on T1." in remarks.doubt
    assert "without lung masks" in remarks.doubt


def test_of_files_are_told_in_the_report(tmp_path):
    for scan_id in ("T0", "T1"):
        write_image(tmp_path / f"{scan_id}.nii.gz", np.ones(GRID.shape, np.uint8), GRID)
    method = LunggradiconRegistration(lungs=str(tmp_path))
    masks, remarks = method._look_at(scan_of(), scan_of("T1"), silent)
    assert all(mask.all() for mask in masks)
    assert (
        remarks.summary == "The lungs of T0 are those of T0.nii.gz. The lungs of T1 are those of T1.nii.gz."
    )
    assert remarks.doubt == ""


def test_agreement_counts_inside_them_only():
    agreement = Agreement(np.ones((10, 10, 10), np.float32), np.array([5.0, 6.0, 7.0]), np.full(3, 4.0))
    mask = np.zeros(GRID.shape, bool)
    mask[:5] = True
    found = within(agreement, mask, GRID)
    assert (found.correlation[:5] == 1).all()
    assert np.isnan(found.correlation[5:]).all()
