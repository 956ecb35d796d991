"""What a window with a large study takes, measured in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import os

import numpy as np
import napari
from qtpy.QtWidgets import QApplication
from napari_longiseg._napari.view.bridge import LayerBridge
from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.scan import Scan, Study
from napari_longiseg.session import Session

def scan(number):
    image = np.full((400, 512, 512), 40, np.int16)  # all pages are written, as by a reader of files
    return Scan(f"T{number}", image, Grid(image.shape, (1.0, 0.7, 0.7)))

study = Study("P", tuple(scan(number) for number in range(4)))
viewer, session = napari.Viewer(), Session()
bridge = LayerBridge(viewer, session, lambda call: call())
session.open(study)
for z_mm in range(0, 400, 100):
    viewer.dims.set_point(0, float(z_mm))
    QApplication.processEvents()
pages = int(open("/proc/self/statm").read().split()[1])
print("resident", pages * 4096, sum(scan.image.nbytes for scan in study.scans), flush=True)
os._exit(0)  # nothing to tidy up; without an event loop Qt would wait
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_four_large_scans_fit():
    """Label volumes are as large as the scans, but only the pages that hold a lesion are ever paid for."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("resident"))
    resident, voxels = (int(word) for word in line.split()[1:])
    assert resident < 1.3 * voxels + 500e6
