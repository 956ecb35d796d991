"""What is to be done, and what has been asked for by it."""

from __future__ import annotations

from napari_longiseg._napari.work.job import Job, Priority
from napari_longiseg._napari.work.request import Request
from napari_longiseg.core.state import Key


class Agenda:
    """The jobs that are not over, and what each of them owes."""

    def __init__(self) -> None:
        self._jobs: dict[Job, Request | None] = {}
        self._of_study: set[Job] = set()

    @property
    def jobs(self) -> tuple[Job, ...]:
        """All of them."""
        return tuple(self._jobs)

    @property
    def of_study(self) -> tuple[Job, ...]:
        """Those that are of no use for another study."""
        return tuple(self._of_study)

    @property
    def busy(self) -> bool:
        """Whether a reader waits for some of them."""
        return any(job.priority is not Priority.BACKGROUND for job in self._jobs)

    @property
    def owed(self) -> frozenset[Key]:
        """(lesion id, scan id) of all that was asked for and has not come."""
        return frozenset(key for request in self._requests() for key in request.owed)

    def add(self, job: Job, request: Request | None, of_study: bool) -> list[Job]:
        """Take a job in; those that owe nothing any more, since this one replaces them."""
        if of_study:
            self._of_study.add(job)
        idle = []
        if request is not None:
            idle = [old for old, other in self._jobs.items() if other and other.supersede(request.own)]
        self._jobs[job] = request
        return idle

    def remove(self, job: Job) -> None:
        """A job is over."""
        del self._jobs[job]
        self._of_study.discard(job)

    def _requests(self) -> list[Request]:
        return [request for request in self._jobs.values() if request is not None]
