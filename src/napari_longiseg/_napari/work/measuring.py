"""Large outlines that a reader has drawn are measured in the engine's thread."""

from __future__ import annotations

from functools import partial

from napari_longiseg._napari.work.job import Job, Priority
from napari_longiseg._napari.work.runner import Runner
from napari_longiseg.core.lesion import Finding
from napari_longiseg.core.scan import Scan
from napari_longiseg.session import Session
from napari_longiseg.tracking.findings import with_mask
from napari_longiseg.tracking.large import is_measured


class Measuring:
    """Has measured what is known without its measurements; they belong to the step that has made it.

    Whoever makes it must keep it, and close it before the runner.

    Parameters
    ----------
    session : Session
        Is watched, and gets the measurements.
    runner : Runner
        Does the work.
    """

    def __init__(self, session: Session, runner: Runner) -> None:
        self._session = session
        self._runner = runner
        self._under_way: dict[Finding, Job] = {}
        session.findings_changed.connect(self._on_finding)

    def close(self) -> None:
        """Stop watching; what is under way is of no use any more."""
        self._session.findings_changed.disconnect(self._on_finding)
        self._under_way.clear()

    def _on_finding(self, lesion_id: int, scan_id: str) -> None:
        finding = self._session.finding(lesion_id, scan_id)
        if finding is None or is_measured(finding) or finding in self._under_way:
            return
        scan, label = self._session.scan(scan_id), f"Measuring lesion {lesion_id} on {scan_id}"
        done = partial(self._on_measured, finding)
        job = self._runner.run(label, lambda _: iter([_measured(finding, scan)]), done, Priority.CLICK)
        self._under_way[finding] = job
        job.ended.connect(lambda _: self._on_ended(finding))

    def _on_measured(self, finding: Finding, measured: object) -> None:
        if isinstance(measured, Finding) and self._is_known(finding):
            self._session.set_known(measured)

    def _on_ended(self, finding: Finding) -> None:
        """Who cancels all that runs does not want an outline without its volume."""
        job = self._under_way.pop(finding, None)
        if job is not None and job.cancelled and self._is_known(finding):
            self._on_finding(finding.lesion, finding.scan)

    def _is_known(self, finding: Finding) -> bool:
        return self._session.finding(finding.lesion, finding.scan) is finding


def _measured(finding: Finding, scan: Scan) -> Finding:
    return finding if finding.mask is None else with_mask(finding, finding.mask, scan)
