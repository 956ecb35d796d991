"""A transform that another program has made, read from a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, get_args

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.methods import FileName
from napari_longiseg.core.progress import Progress, scaled
from napari_longiseg.core.scan import Scan, Study
from napari_longiseg.io.dicom import is_dicom_file
from napari_longiseg.io.transforms import Axes, Content, chained, find_transforms, read_transform
from napari_longiseg.registration._external_map import ExternalMap, external_map
from napari_longiseg.registration._itk.steps import chain_of


@dataclass(frozen=True)
class ExternalRegistration:
    """Uses a transform made by another program.

    It reads ITK's transforms (.tfm, .txt, .mat, .h5: affine of every kind, B-splines, displacement fields,
    composites), 4 x 4 matrices of ITK-SNAP, Convert3D and greedy, displacement fields in NIfTI, NRRD and
    MetaImage files, and DICOM registrations, rigid, affine and deformable. All of these map points of the
    image that was fixed to the one that moved.

    Attributes
    ----------
    file : str
        The transform from the source scan to the target scan: from the first to the second scan of a study
        of two. For more scans, a folder with files named SOURCE_to_TARGET and an extension; a direction
        that is missing is taken from the inverse of the other.
    invert : bool
        Whether files map the target to the source instead. Without effect on DICOM registrations of DICOM
        scans, which say it themselves.
    axes : {"lps", "ras"}
        Of the vectors in a displacement field.
    content : {"displacements", "positions"}
        Whether a field holds how far to go, or where to go to.

    Raises
    ------
    InputError
        When *axes* or *content* is another word.
    """

    file: FileName = ""
    invert: bool = False
    axes: Axes = "lps"
    content: Content = "displacements"

    name: ClassVar[str] = "external"

    def __post_init__(self) -> None:
        for option, value, words in (("axes", self.axes, Axes), ("content", self.content, Content)):
            if value not in get_args(words):
                msg = f"The option {option!r} must be {' or '.join(get_args(words))}, not {value!r}."
                raise InputError(msg)

    @property
    def version(self) -> str:
        """When the file was last written, so that the map of an older one is not used again."""
        return _written(Path(self.file)) if self.file else ""

    def for_study(self, study: Study) -> ExternalRegistration | SingleFileRegistration:
        """The same for the scans of this study: a single file goes from the first scan to the second.

        Raises
        ------
        InputError
            When there is a single file for more than two scans.
        """
        path = Path(self.file)
        if len(study.scans) < 2 or not path.is_file():
            return self
        if len(study.scans) > 2:
            if is_dicom_file(path):  # which may register any number of scans
                return self
            msg = (
                f"{path} maps one scan to one other, and {study.patient} has {len(study.scans)}; give a "
                "folder with files named SOURCE_to_TARGET."
            )
            raise InputError(msg)
        return SingleFileRegistration(self, study.scans[0].id)

    def align(self, source: Scan, target: Scan, progress: Progress) -> ExternalMap:
        """Read the transform and compare the scans after it.

        Raises
        ------
        InputError
            When the file cannot be used: it is missing, damaged, or of an unknown kind.
        RegistrationError
            When torch fails.
        Cancelled
            From *progress*.
        """
        if not self.file:
            msg = "Give the file of the transform (option file), or a folder with one for every two scans."
            raise InputError(msg)
        path = Path(self.file)
        if not path.is_dir():
            return self.apply((path,), source, target, False, progress)
        paths, is_backward = find_transforms(path, source.id, target.id)
        return self.apply(paths, source, target, is_backward, progress)

    def apply(
        self, paths: tuple[Path, ...], source: Scan, target: Scan, is_backward: bool, progress: Progress
    ) -> ExternalMap:
        """Use one file after the other; *is_backward* where they were meant for the other direction.

        Raises
        ------
        InputError, RegistrationError, Cancelled
            As :meth:`align`.
        """
        name = " and ".join(path.name for path in paths)
        progress(f"Reading {name}", 0.0)
        found = chained(
            read_transform(path, axes=self.axes, content=self.content, source=source.path, target=target.path)
            for path in paths
        )
        transform = chain_of(found)
        if not found.is_directed and is_backward != self.invert:
            transform = transform.inverse
        return external_map(name, found, transform, source, target, scaled(progress, 0.1, 1.0))


@dataclass(frozen=True)
class SingleFileRegistration:
    """One transform file for a study of two scans, used both ways.

    Attributes
    ----------
    method : ExternalRegistration
        With the file.
    first : str
        Id of the scan that the file starts from.
    """

    method: ExternalRegistration
    first: str

    name: ClassVar[str] = ExternalRegistration.name

    @property
    def version(self) -> str:
        """That of the file."""
        return self.method.version

    def align(self, source: Scan, target: Scan, progress: Progress) -> ExternalMap:
        """As :meth:`ExternalRegistration.align`."""
        path = Path(self.method.file)
        return self.method.apply((path,), source, target, source.id != self.first, progress)


def _written(path: Path) -> str:
    """When a file, or the newest one of a folder, was written; empty where there is none."""
    try:
        files = path.iterdir() if path.is_dir() else [path]
        return str(max((file.stat().st_mtime_ns for file in files), default=""))
    except OSError:  # align says what is wrong with it
        return ""
