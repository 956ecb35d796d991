"""The networks of others whose weights can be kept here: what they are, where they are published."""

from __future__ import annotations

from dataclasses import dataclass

from napari_longiseg.core.errors import InputError


@dataclass(frozen=True, slots=True)
class KnownModel:
    """One file of weights.

    Attributes
    ----------
    name : str
        As the commands and the methods call it.
    file : str
        Its name in the folder of weights.
    url : str
        Where its authors publish it.
    published : str
        How: by whom, with which checks.
    megabytes : int
        Size of the file, about.
    licence : str
        As far as its authors say.
    purpose : str
        What it is for.
    layout : str
        Fingerprint of the names and shapes of its tensors (:func:`napari_longiseg.models.weights.layout`).
    """

    name: str
    file: str
    url: str
    published: str
    megabytes: int
    licence: str
    purpose: str
    layout: str


_ICON_LAYOUT = "63b676b59a6bfd21"
"""One architecture for all three: four U-Nets (Tian et al., "uniGradICON", MICCAI 2024), 188 tensors."""
_LICENCE = "Apache-2.0, as the repository says; the weights have no licence text of their own"
_GITHUB = "https://github.com/uncbiag"

MODELS = (
    KnownModel(
        name="unigradicon",
        file="unigradicon.trch",
        url=f"{_GITHUB}/uniGradICON/releases/download/unigradicon_weights/Step_2_final.trch",
        published="a file of a GitHub release of the authors, without a checksum",
        megabytes=283,
        licence=_LICENCE,
        purpose="the registration unigradicon: CT and MR of lungs, abdomen, knees and brains",
        layout=_ICON_LAYOUT,
    ),
    KnownModel(
        name="multigradicon",
        file="multigradicon.trch",
        url=f"{_GITHUB}/uniGradICON/releases/download/multigradicon_weights/Step_2_final.trch",
        published="a file of a GitHub release of the authors, without a checksum",
        megabytes=283,
        licence=_LICENCE,
        purpose="the registration multigradicon: as unigradicon, trained on pairs that look unlike",
        layout=_ICON_LAYOUT,
    ),
    KnownModel(
        name="lunggradicon",
        file="lunggradicon.trch",
        url=f"{_GITHUB}/ICON/releases/download/pretrained_models_v1.0.0/lung_model_weights_step_2.trch",
        published="a file of a GitHub release of the authors, without a checksum",
        megabytes=283,
        licence=_LICENCE,
        purpose="the registration lunggradicon: lungs of chest CT",
        layout=_ICON_LAYOUT,
    ),
)


def known_model(name: str) -> KnownModel:
    """The model with this name.

    Raises
    ------
    InputError
        When there is none.
    """
    for model in MODELS:
        if model.name == name:
            return model
    msg = f"There are no weights called {name!r}; known are {', '.join(model.name for model in MODELS)}."
    raise InputError(msg)
