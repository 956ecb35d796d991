"""The benchmark's tables, for the terminal and for the documentation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from _results import UNAVAILABLE, Result
from _summary import Errors, errors, kinds, listed, mean_of, trust, verdict

Results = Sequence[Result]
ByMethod = Mapping[str, Results]


@dataclass(frozen=True)
class Table:
    """Rows of texts under a title."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def text(self) -> str:
        """With spaces."""
        lines = [self.columns, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.columns))]
        padded = ("  ".join(t.ljust(w) for t, w in zip(line, widths, strict=True)).rstrip() for line in lines)
        return "\n".join([self.title, *padded])

    def markdown(self) -> str:
        """As documentation shows it."""
        lines = [self.columns, ["---"] * len(self.columns), *self.rows]
        return "\n".join([f"{self.title}:", "", *(f"| {' | '.join(line)} |" for line in lines)])


def tables(results: Results, group: str) -> Iterator[Table]:
    """All tables of a group; methods in the order of their error at lesions."""
    by_method: dict[str, list[Result]] = {}
    for result in results:
        if result["group"] == group and result["outcome"] != UNAVAILABLE:
            by_method.setdefault(result["method"], []).append(result)
    if not by_method:
        return
    ordered = dict(sorted(by_method.items(), key=lambda item: _rank(item[1])))
    if group == "refuse":
        yield _refusals(ordered)
    yield _accuracy(ordered)
    for points in ("lesions", "body"):
        told_apart = kinds((result for found in ordered.values() for result in found), points)
        if len(told_apart) > 1:
            yield _by_kind(ordered, points, told_apart)
    yield _trust(ordered)
    if group == "consistency":
        yield _consistency(ordered)


def _accuracy(by_method: ByMethod) -> Table:
    rows = []
    for method, found in by_method.items():
        inside = [hit for result in found for hit in result.get("inside", [])]
        body = errors(found, "body", "whole")
        rows.append(
            [
                method,
                _aligned(found),
                str(len(errors(found, "lesions", "whole").values)),
                _number(errors(found, "lesions", "before").mean, 1),
                _four(errors(found, "lesions", "whole")),
                _four(errors(found, "lesions", "refined")),
                _percent(float(np.mean(inside)) if inside else np.nan),
                str(len(body.values)),
                _two(body),
            ]
        )
    columns = (
        "method", "pairs aligned", "points", "before", "at lesions", "refined", "inside", "in body", "errors",
    )  # fmt: skip
    return Table(
        "Errors in mm (at lesions: mean / median / 95 % / largest; in the body: mean / 95 %)", columns, rows
    )


def _by_kind(by_method: ByMethod, points: str, told_apart: Sequence[str]) -> Table:
    name = "best" if points == "lesions" else "whole"
    rows = [
        [method, *(_two(errors(found, points, name, kind)) for kind in told_apart)]
        for method, found in by_method.items()
    ]
    place = "lesions, refined where that is possible" if points == "lesions" else "the body"
    return Table(f"Errors in mm by place in {place} (mean / 95 %)", ("method", *told_apart), rows)


def _trust(by_method: ByMethod) -> Table:
    rows = []
    for method, found in by_method.items():
        folding = [result["folding"] for result in found if result.get("folding")]
        lesions, body = (trust(found, points) for points in ("lesions", "body"))
        rows.append([
            method,
            _two(listed(found, "inverse_mm")),
            _number(min((f["least"] for f in folding), default=np.nan)),
            _percent(float(np.mean([f["share"] for f in folding])) if folding else np.nan, 2),
            *(
                f"{_percent(one.within)} / {_number(one.mean, 1)} mm / {_number(one.rank)}"
                if np.isfinite(one.within) else "-"
                for one in (lesions, body)
            ),
            _number(mean_of(found, "wall_s"), 1),
            _number(mean_of(found, "cpu_s"), 1),
            _number(max((r["peak_mb"] for r in found if "peak_mb" in r), default=np.nan), 0),
            _number(mean_of(found, "refine_s"), 2),
        ])  # fmt: skip
    columns = (
        "method", "there and back, mm", "least Jacobian", "folded", "lesions within", "body within", "wall s",
        "CPU s", "peak MB", "s a point",
    )  # fmt: skip
    title = (
        "Trust and cost (there and back: mean / 95 %; within the expected error: share / mean expected / "
        "rank correlation)"
    )
    return Table(title, columns, rows)


def _refusals(by_method: ByMethod) -> Table:
    rows = []
    for method, found in by_method.items():
        wrong = [
            f"{result['pair']}: {verdict(result)}"
            for result in found
            if result["refuse"] == (verdict(result) == "aligned")
        ]
        counts = [
            " / ".join(
                str(sum(verdict(r) == word for r in found if r["refuse"] == refuse))
                for word in ("refused", "doubted", "aligned")
            )
            for refuse in (True, False)
        ]
        rows.append([method, *counts, "; ".join(wrong) or "none"])
    columns = ("method", "not one place of one patient", "true pairs", "wrong")
    return Table("Pairs refused / doubted / aligned", columns, rows)


def _consistency(by_method: ByMethod) -> Table:
    changes = list(dict.fromkeys(_change(r) for found in by_method.values() for r in found if r["like"]))
    rows = [
        [
            method,
            *(
                _two(listed([r for r in found if r["like"] and _change(r) == change], "disagreement_mm"))
                for change in changes
            ),
        ]
        for method, found in by_method.items()
    ]
    return Table(
        "Distance in mm from the result of the pair as it was (mean / 95 %)", ("method", *changes), rows
    )


def _change(result: Result) -> str:
    return result["pair"].split(",")[0]


def _rank(found: Results) -> float:
    mean = errors(found, "lesions", "best").mean
    return mean if np.isfinite(mean) else np.inf


def _aligned(found: Results) -> str:
    said = Counter(verdict(result) for result in found)
    others = [f"{said[word]} {word}" for word in ("doubted", "refused", "failed", "skipped") if said[word]]
    return ", ".join([f"{said['aligned'] + said['doubted']} of {len(found)}", *others])


def _four(of: Errors) -> str:
    values = (of.mean, of.percentile(50), of.percentile(95), of.most)
    return " / ".join(_number(v) for v in values) if len(of.values) else "-"


def _two(of: Errors) -> str:
    return f"{_number(of.mean)} / {_number(of.percentile(95))}" if len(of.values) else "-"


def _number(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}" if np.isfinite(value) else "-"


def _percent(share: float, digits: int = 0) -> str:
    return f"{100 * share:.{digits}f} %" if np.isfinite(share) else "-"
