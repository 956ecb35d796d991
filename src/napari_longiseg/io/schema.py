"""The study manifest ``study.json`` as values, and its mistakes as sentences."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_longiseg.core.errors import InputError

SCHEMA = "longiseg-study/1"
LARGEST_LESION_ID = 65535
"""Lesion ids are label values of 16 bits."""

ScanId = Annotated[str, Field(min_length=1, pattern=r'^[^\s./\\:*?"<>|][^/\\:*?"<>|]*$')]
"""Names a file in the results, so it holds no separators."""
Coordinate = Annotated[float, Field(allow_inf_nan=False)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ScanEntry(_Entry):
    """One scan; *series* chooses one of several in a DICOM folder."""

    id: ScanId
    image: Annotated[str, Field(min_length=1)]
    date: dt.date | None = None
    series: str | int | None = None


class ClickEntry(_Entry):
    """A click; *point* is ``[x, y, z]`` in LPS mm."""

    scan: str
    point: Annotated[list[Coordinate], Field(min_length=3, max_length=3)]
    positive: bool = True


class MaskEntry(_Entry):
    """An outline: one label of a label image."""

    scan: str
    path: Annotated[str, Field(min_length=1)]
    label: Annotated[int, Field(ge=1)]


class LesionEntry(_Entry):
    """One lesion with its prompts."""

    id: Annotated[int, Field(ge=1, le=LARGEST_LESION_ID)]
    name: str = ""
    clicks: list[ClickEntry] = []
    mask: MaskEntry | None = None


class Manifest(_Entry):
    """The whole file."""

    schema_: Literal["longiseg-study/1"] = Field(alias="schema")
    patient: str
    scans: Annotated[list[ScanEntry], Field(min_length=1)]
    lesions: list[LesionEntry] = []
    landmarks: Annotated[str, Field(min_length=1)] | None = None
    """A table of landmarks beside the manifest."""


class _RepeatedFieldError(Exception):
    """A field that JSON readers would take from its last place without a word."""


def parse_manifest(text: str, path: Path) -> Manifest:
    """Read a manifest.

    Parameters
    ----------
    text : str
        The file's content.
    path : Path
        For messages.

    Raises
    ------
    InputError
        One sentence that names the field as the user wrote it, ``lesions[1].clicks[0].point``.
    """
    try:
        json.loads(text, object_pairs_hook=_without_repeats)
        manifest = Manifest.model_validate_json(text)
    except _RepeatedFieldError as error:
        raise InputError(f"{path}: the field {error} stands twice in one object.") from error
    except RecursionError as error:
        raise InputError(f"{path} is not a study manifest: it is nested too deeply.") from error
    except json.JSONDecodeError as error:
        msg = f"{path} is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        raise InputError(msg) from error
    except ValidationError as error:
        raise InputError(f"{path}: {_sentence(error)}.") from error
    if mistake := _cross_reference(manifest):
        raise InputError(f"{path}: {mistake}.")
    return manifest


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name in fields:
            raise _RepeatedFieldError(repr(name))
        fields[name] = value
    return fields


def _sentence(error: ValidationError) -> str:
    """What is wrong with the first wrong field."""
    mistakes = error.errors(include_url=False)
    fields = [_field(mistake["loc"]) for mistake in mistakes]
    more = len(set(fields)) - 1
    others = f" ({more} more field{'s are' if more > 1 else ' is'} wrong)" if more else ""
    return f"{fields[0]} {_demand(mistakes[0], fields[0])}{others}"


def _field(place: tuple[int | str, ...]) -> str:
    """The path to a field as a user would write it."""
    if "series" in place:  # what follows is a branch of the union, no field
        place = place[: place.index("series") + 1]
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return "".join(steps).lstrip(".") or "the manifest"


def _demand(error: Any, field: str) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    kind, context = error["type"], error.get("ctx", {})
    if field.endswith(".point") and kind in ("too_short", "too_long"):
        return f"must have 3 numbers, not {context['actual_length']}"
    if field.endswith(".date"):
        return "must be a date like 2024-01-31"
    if field.endswith(".series"):
        return "must be a number or a text in quotes"
    demands = {
        "missing": "is missing",
        "extra_forbidden": "is not a field of a study manifest",
        "string_type": "must be a text in quotes",
        "string_too_short": "must not be empty",
        "string_pattern_mismatch": 'must be a name without / \\ : * ? " < > | and no dot or space in front',
        "float_type": "must be a number",
        "finite_number": "must be a finite number",
        "int_type": "must be a whole number",
        "int_from_float": "must be a whole number",
        "bool_type": "must be true or false",
        "list_type": "must be a list",
        "model_type": "must be an object in { }",
        "literal_error": f'must be "{SCHEMA}"',
        "too_short": "must have at least one entry",
        "greater_than_equal": f"must be {context.get('ge')} or more",
        "less_than_equal": f"must be {context.get('le')} or less",
    }
    return demands.get(kind, f"is wrong ({error['msg']})")


def _cross_reference(manifest: Manifest) -> str | None:
    """The first id that is used twice or that does not exist."""
    scans: dict[str, None] = {}
    for i, scan in enumerate(manifest.scans):
        if scan.id in scans:
            return f"scans[{i}].id repeats {scan.id!r}"
        scans[scan.id] = None
    lesions: set[int] = set()
    for i, lesion in enumerate(manifest.lesions):
        if lesion.id in lesions:
            return f"lesions[{i}].id repeats {lesion.id}"
        lesions.add(lesion.id)
        named = [(f"clicks[{j}]", click.scan) for j, click in enumerate(lesion.clicks)]
        if lesion.mask:
            named.append(("mask", lesion.mask.scan))
        for field, scan_id in named:
            if scan_id not in scans:
                return f"lesions[{i}].{field}.scan is {scan_id!r}, but the scans are {', '.join(scans)}"
    return None
