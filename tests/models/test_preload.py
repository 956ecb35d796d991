"""In a process of its own: only there they are not loaded yet."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys, threading
from napari_longiseg.models.preload import preload_simple_itk, preload_torch
thread = threading.Thread(target=preload_torch)
thread.start()
thread.join()
assert "torch" not in sys.modules
preload_torch()
import torch
assert torch.ones(2).sum() == 2
preload_torch()
preload_simple_itk()
assert "SimpleITK" not in sys.modules
import SimpleITK
assert SimpleITK.Image(2, 2, 2, SimpleITK.sitkInt16).GetDimension() == 3
preload_simple_itk()
"""


def test_torch_and_simple_itk_work_after_their_libraries_were_loaded_by_themselves():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
