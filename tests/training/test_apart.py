"""What makes optimisers, and losses of monai: in a process of its own.

Both import triton, whose LLVM takes the process down where software OpenGL has loaded another one, as the
tests of the panel do in this one.
"""

import subprocess
import sys
from pathlib import Path

import pytest

# Their names keep them out of this process. A pattern for them would make pytest rewrite all of torch, too.
APART = [
    path for path in sorted((Path(__file__).parent / "apart").glob("*.py")) if path.name != "conftest.py"
]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("mark", ["not slow", pytest.param("slow", marks=pytest.mark.slow)])
def test_trainings(mark):
    options = ["-q", "-m", mark, "-p", "no:cacheprovider", "-W", "ignore", "--timeout=3600"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *APART], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
