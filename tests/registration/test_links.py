from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import pytest

from napari_longiseg.core.errors import Cancelled, RegistrationError
from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.progress import silent
from napari_longiseg.core.scan import Scan, Study
from napari_longiseg.registration.cache import RegistrationCache
from napari_longiseg.registration.links import Link, StudyLinks, align_links, hub_of
from napari_longiseg.registration.maps import TransformMap
from napari_longiseg.registration.transforms import Affine, Chain, Displacement

POINTS = np.array([[10.0, 20.0, 30.0]])


def scan(scan_id: str, z_mm: float = 0.0, planes: int = 30) -> Scan:
    grid = Grid((planes, 30, 30), (4.0, 4.0, 4.0), (z_mm, 0.0, 0.0))
    return Scan(scan_id, np.full(grid.shape, sum(map(ord, scan_id)), np.int16), grid)


def link(source: str, target: str, z_mm: float) -> Link:
    return Link.of(scan(source), scan(target), TransformMap(Affine.shift((z_mm, 0.0, 0.0)), None))


class TestLinks:
    def carried(self, links: StudyLinks, source: str, target: str) -> float:
        return float(links.between(source, target)(POINTS)[0, 0] - POINTS[0, 0])

    def test_there_back_and_over_a_common_scan(self):
        links = StudyLinks()
        links.add(link("T0", "T1", 5.0))
        links.add(link("T0", "T2", 7.0))
        assert self.carried(links, "T0", "T1") == 5.0
        assert self.carried(links, "T1", "T0") == -5.0
        assert self.carried(links, "T1", "T2") == 2.0
        assert self.carried(links, "T2", "T2") == 0.0

    def test_a_map_of_its_own_beats_a_way_back_and_a_detour(self):
        links = StudyLinks()
        links.add(link("T0", "T1", 5.0))
        links.add(link("T0", "T2", 7.0))
        assert self.carried(links, "T1", "T2") == 2.0
        links.add(link("T1", "T2", 2.5))
        links.add(link("T1", "T0", -5.5))
        links.add(link("T0", "T1", 5.1))
        assert self.carried(links, "T1", "T2") == 2.5
        assert self.carried(links, "T1", "T0") == -5.5
        assert self.carried(links, "T0", "T1") == pytest.approx(5.1)

    def test_where_nothing_leads(self):
        links = StudyLinks()
        links.add(Link("T0", "T1", reason="They do not show the same patient."))
        assert links.between("T0", "T1") is None

    def test_one_point_takes_far_less_than_a_frame(self):
        lattice = Grid((40, 40, 40), (4.0, 4.0, 4.0))
        waves = np.sin(np.indices(lattice.shape) / 6.0).astype(np.float32)
        links = StudyLinks()
        for target in ("T1", "T2"):
            chain = Chain((Affine.shift((3.0, 0.0, 0.0)), Displacement(3 * waves, lattice)))
            links.add(Link.of(scan("T0"), scan(target), TransformMap(chain, None)))
        carry = links.between("T1", "T2")
        carry(POINTS)
        start = time.perf_counter()
        for _ in range(20):
            carry(POINTS)
        assert (time.perf_counter() - start) / 20 < 0.02  # 0.6 ms on an idle core


class TestHub:
    def test_the_scan_that_shares_most(self):
        study = Study("P", (scan("chest", 0.0), scan("abdomen", 100.0), scan("both", 0.0, planes=55)))
        assert hub_of(study).id == "both"

    def test_the_middle_date_of_equals(self):
        assert hub_of(Study("P", tuple(scan(f"T{i}") for i in range(5)))).id == "T2"


@dataclass(frozen=True)
class Shifting:
    """Brings each scan 4 mm further; one scan is of somebody else."""

    name: str = "shifting"

    def align(self, source, target, progress):
        progress("Aligning", 0.5)
        if target.id == "T9":
            msg = "T9 does not show the same patient."
            raise RegistrationError(msg)
        return TransformMap(Affine.shift((4.0, 0.0, 0.0)), None)


class TestAligning:
    def test_a_star_around_the_given_scan(self):
        study = Study("P", (scan("T0"), scan("T1"), scan("T9")))
        told = []
        found = list(align_links(study, Shifting(), RegistrationCache(), lambda *a: told.append(a[1]), "T0"))
        assert [(one.source, one.target) for one in found] == [("T0", "T1"), ("T0", "T9")]
        assert found[1].there is None
        assert found[1].reason == "T9 does not show the same patient."
        links = StudyLinks()
        for one in found:
            links.add(one)
        np.testing.assert_allclose(links.between("T1", "T0")(POINTS), POINTS - (4.0, 0.0, 0.0))
        assert told == sorted(told)
        assert max(told) <= 1.0

    def test_one_scan_has_nobody_to_be_aligned_with(self):
        assert list(align_links(Study("P", (scan("T0"),)), Shifting(), RegistrationCache(), silent)) == []

    def test_it_can_be_cancelled(self):
        def stop(stage, fraction):
            raise Cancelled

        with pytest.raises(Cancelled, match=r"^$"):
            list(align_links(Study("P", (scan("T0"), scan("T1"))), Shifting(), RegistrationCache(), stop))
