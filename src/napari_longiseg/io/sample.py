"""Where the synthetic study that comes with the package lies."""

from __future__ import annotations

from pathlib import Path

from napari_longiseg.core.errors import InputError

PACKAGE = Path(__file__).resolve().parents[1]
FOLDERS = (PACKAGE / "_sample_data", PACKAGE.parents[1] / "sample_data")
"""In a wheel the study travels inside the package; in a checkout it lies at the top level."""


def sample_folder() -> Path:
    """The folder of the sample study, with its ``study.json``.

    Raises
    ------
    InputError
        When the installation lacks it.
    """
    for folder in FOLDERS:
        if (folder / "study.json").is_file():
            return folder
    msg = "The sample study is missing from this installation; install napari-longiseg again."
    raise InputError(msg)
