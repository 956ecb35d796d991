"""The folder of a training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_longiseg.core.errors import InputError

LAST = "last"
"""What the user calls the newest checkpoint of the folder."""


@dataclass(frozen=True, slots=True)
class TrainingFolder:
    """Where a training keeps what.

    Attributes
    ----------
    path : Path
        The folder; it need not exist.
    """

    path: Path

    @property
    def config(self) -> Path:
        """All fields of the config."""
        return self.path / "config.yaml"

    @property
    def split(self) -> Path:
        """Which patients are set aside, where the cases are real."""
        return self.path / "split.json"

    @property
    def scans(self) -> Path:
        """Real scans, unpacked."""
        return self.path / "scans"

    @property
    def network(self) -> Path:
        """The best network so far, ready for use."""
        return self.path / "network.safetensors"

    @property
    def last(self) -> Path:
        """The checkpoint of the last epoch, or of where the training was stopped."""
        return self.path / "checkpoints" / "last.ckpt"

    @property
    def best(self) -> Path:
        """The checkpoint of the best validation Dice."""
        return self.path / "checkpoints" / "best.ckpt"

    def checkpoint(self, resume: str | Path | None) -> Path | None:
        """What to go on from; None to start anew.

        Raises
        ------
        InputError
            When there is no such checkpoint, or one that would be overwritten by starting anew.
        """
        if resume is None:
            if self.last.exists():
                msg = f"{self.path} holds a training; go on with --resume last, or choose another folder."
                raise InputError(msg)
            return None
        path = self.last if str(resume) == LAST else Path(resume)
        if not path.is_file():
            raise InputError(f"There is no checkpoint {path}; leave out --resume to start anew.")
        return path
