"""A folder with a transform for every two scans of a study."""

from __future__ import annotations

from pathlib import Path

from napari_longiseg.core.errors import InputError
from napari_longiseg.io.images import EXTENSIONS as IMAGE_EXTENSIONS

EXTENSIONS = (".tfm", ".txt", ".mat", ".h5", ".hdf5", ".dcm", "", *IMAGE_EXTENSIONS)
"""Of the files that are looked for; their contents tell what they are."""
ANTS_FIELD, ANTS_AFFINE = "1Warp.nii.gz", "0GenericAffine.mat"
"""What ANTs adds to a prefix. Points go through the field first."""


def find_transforms(folder: str | Path, source: str, target: str) -> tuple[tuple[Path, ...], bool]:
    """The transform of two scans in a folder, as one file or as the two that ANTs writes.

    Their names are ``SOURCE_to_TARGET`` and an extension, or that as the prefix of ANTs' output, with or
    without another ``_``.

    Parameters
    ----------
    folder : path
        Where they are.
    source, target : str
        Ids of the scans.

    Returns
    -------
    paths, is_backward
        What points go through, in this order, and whether it is meant for the other direction.

    Raises
    ------
    InputError
        When there is no file for either direction, or more than one transform for one.
    """
    folder = Path(folder)
    for is_backward, stem in ((False, f"{source}_to_{target}"), (True, f"{target}_to_{source}")):
        found = _found(folder, stem)
        if len(found) > 1:
            names = ", ".join(path.name for paths in found for path in paths)
            msg = f"{folder} has {len(found)} transforms for {stem}: {names}; keep one."
            raise InputError(msg)
        if found:
            return found[0], is_backward
    msg = (
        f"{folder} has no transform named {source}_to_{target} or {target}_to_{source}, with an extension "
        "such as .tfm, .h5 or .nii.gz."
    )
    raise InputError(msg)


def _found(folder: Path, stem: str) -> list[tuple[Path, ...]]:
    """All transforms of that name."""
    ends = {path.name[len(stem) :]: path for path in sorted(folder.iterdir()) if path.name.startswith(stem)}
    found: list[tuple[Path, ...]] = [
        (path,) for end, path in ends.items() if end.lower() in EXTENSIONS and path.is_file()
    ]
    for mark in ("", "_"):
        if affine := ends.get(mark + ANTS_AFFINE):
            field = ends.get(mark + ANTS_FIELD)
            found.append((field, affine) if field else (affine,))
    return found
