"""One method on one pair in a process of its own, so that time and memory are its own.

``python _child.py JOB RESULT``: two files in JSON; :func:`run` writes the one and reads the other.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from _measure import Comparison, Unavailable, measure
from _results import UNAVAILABLE
from napari_longiseg.core.errors import MissingMethodError
from napari_longiseg.core.methods import REGISTRATIONS, create
from pairs.groups import recipes
from pairs.library import Library

MOST_S = 3600


@dataclass(frozen=True)
class Job:
    """What a child is to do: a method on a pair of the library, and what the result should be like."""

    method: str
    pair: str
    studies: list[str]
    cache: str
    inverse: bool
    like: Comparison | None = None


def run(job: Job) -> dict[str, Any]:
    """Do a job in a child process; whatever happens to it, there is a result."""
    with tempfile.TemporaryDirectory() as folder:
        asked, answer = Path(folder) / "job.json", Path(folder) / "result.json"
        asked.write_text(json.dumps(asdict(job)))
        command = [sys.executable, __file__, str(asked), str(answer)]
        try:
            done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=MOST_S)
        except subprocess.TimeoutExpired:
            return {"outcome": "failed", "message": f"It took more than {MOST_S} s."}
        if answer.exists():
            return json.loads(answer.read_text())
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        return {"outcome": "failed", "message": f"Its process ended with {done.returncode}: {last[0]}"}


def main(asked: Path, answer: Path) -> None:
    fields = json.loads(asked.read_text())
    like = fields.pop("like")
    job = Job(**fields, like=Comparison(**like) if like else None)
    library = Library(recipes([Path(s) for s in job.studies]), Path(job.cache))
    try:
        method = create(REGISTRATIONS, job.method)
        result = measure(method, library[job.pair], job.like, job.inverse) | {"options": repr(method)}
    except (MissingMethodError, Unavailable) as error:
        result = {"outcome": UNAVAILABLE, "message": str(error)}
    except Exception as error:
        result = {"outcome": "failed", "message": f"{type(error).__name__}: {error}"}
    part = answer.with_suffix(".part")
    part.write_text(json.dumps(result))
    part.replace(answer)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
