"""Which patients a network is trained on, and which say how well it does: decided once for a training.

LongiNet (2025), section 2.1: the split is made once and kept by index and id. It is made by patient, since
lesions of one patient look alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_longiseg.core.errors import InputError
from napari_longiseg.io.arriving import arriving
from napari_longiseg.io.scans import readable
from napari_longiseg.training.real.pairs import LesionPair

SPLIT_NAME = "split.json"


class Member(BaseModel):
    """One patient."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    index: int = Field(ge=0, description="Place among all patients, ordered by their ids.")
    id: str = Field(description="The patient.")


class Split(BaseModel):
    """The patients of a training."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_: Literal["longiseg-split/1"] = Field(default="longiseg-split/1", alias="schema")
    seed: int
    fraction: float = Field(description="Share of the patients for validation.")
    training: tuple[Member, ...]
    validation: tuple[Member, ...]

    @property
    def patients(self) -> list[str]:
        """All ids, ordered."""
        members = sorted((*self.training, *self.validation), key=lambda member: member.index)
        return [member.id for member in members]

    def divide(self, pairs: Iterable[LesionPair]) -> tuple[tuple[LesionPair, ...], tuple[LesionPair, ...]]:
        """The pairs for training, and those for validation."""
        pairs = tuple(pairs)
        aside = {member.id for member in self.validation}
        training = tuple(pair for pair in pairs if pair.patient not in aside)
        return training, tuple(pair for pair in pairs if pair.patient in aside)


def make_split(patients: Iterable[str], fraction: float, seed: int) -> Split:
    """Set a share of the patients aside at random, at least one.

    Raises
    ------
    InputError
        When there are fewer than two patients, or the fraction leaves none on one side.
    """
    ids = sorted(set(patients))
    if len(ids) < 2:
        there = f"only patient {ids[0]}" if ids else "no patient"
        msg = f"There is {there}; training and validation need one each at least."
        raise InputError(msg)
    if not 0 < fraction < 1:
        msg = f"The share of patients for validation must be more than 0 and less than 1, not {fraction}."
        raise InputError(msg)
    count = min(max(round(fraction * len(ids)), 1), len(ids) - 1)
    aside = set(np.random.default_rng(seed).permutation(len(ids))[:count].tolist())
    members = [Member(index=index, id=patient) for index, patient in enumerate(ids)]
    return Split(
        seed=seed,
        fraction=fraction,
        training=tuple(member for member in members if member.index not in aside),
        validation=tuple(member for member in members if member.index in aside),
    )


def kept_split(path: Path, patients: Iterable[str], fraction: float, seed: int) -> Split:
    """The split in a file, which counts whatever share and seed are asked for now; else one made and kept.

    Raises
    ------
    InputError
        When the file is of other patients, or cannot be read or written; and as :func:`make_split`.
    """
    ids = sorted(set(patients))
    if not path.exists():
        split = make_split(ids, fraction, seed)
        with arriving(path) as part:
            part.write_text(split.model_dump_json(by_alias=True, indent=1) + "\n", encoding="utf-8")
        return split
    try:
        with readable(path):
            split = Split.model_validate_json(path.read_bytes())
    except ValidationError as error:
        msg = f"{path} is not the split of a training; delete it, or choose another folder."
        raise InputError(msg) from error
    if split.patients != ids:
        new, gone = sorted(set(ids) - set(split.patients)), sorted(set(split.patients) - set(ids))
        changes = [f"{', '.join(names)} {word}" for names, word in ((new, "new"), (gone, "gone")) if names]
        msg = (
            f"{path} was made for other data (patients {'; '.join(changes)}); train on the same data, or "
            "start anew in another folder."
        )
        raise InputError(msg)
    return split
