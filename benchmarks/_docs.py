"""The results as a page of the documentation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from _results import UNAVAILABLE, Result
from _tables import tables
from pairs.groups import GROUPS

START, STOP = "<!-- benchmark: start -->", "<!-- benchmark: stop -->"
"""The page's text stands around these two lines; between them, everything is written anew."""
WORDS = {
    "synthetic": "Synthetic patients",
    "real-anatomy": "A real scan, moved in known ways",
    "sliding": "Content that slides along the wall",
    "fov": "Fields of view with only a part in common",
    "refuse": "Scans that do not belong together, and hard ones that do",
    "consistency": "The same pair presented in other ways",
    "studies": "Studies of two real patients, lesion centres",
}


def write_docs(results: Sequence[Result], path: Path) -> None:
    """Put the tables between the two lines of a page.

    Raises
    ------
    SystemExit
        When the page has not got the lines; it stays as it is.
    """
    text = path.read_text()
    if text.count(START) != 1 or text.count(STOP) != 1 or text.index(START) > text.index(STOP):
        msg = f"{path} needs the line {START} once, and {STOP} after it."
        raise SystemExit(msg)
    before, after = text.split(START)[0], text.split(STOP)[1]
    path.write_text("\n".join([before + START, "", *page(results), STOP + after]))


def page(results: Sequence[Result]) -> Iterator[str]:
    """Lines of Markdown."""
    for what, name in (("Measured", "date"), ("On", "machine"), ("With", "versions")):
        said = dict.fromkeys(result[name] for result in results if result["outcome"] != UNAVAILABLE)
        yield f"{what}: {'; '.join(said)}.  "
    missing = {r["method"]: r["message"] for r in results if r["outcome"] == UNAVAILABLE}
    tried = {r["method"] for r in results if r["outcome"] != UNAVAILABLE}
    for method, reason in missing.items():
        if method not in tried:
            yield f"Not measured: `{method}`: {reason}  "
    yield ""
    for group in GROUPS:
        for held_out in (True, False):
            of_half = [result for result in results if result["held_out"] == held_out]
            for number, table in enumerate(tables(of_half, group)):
                if number == 0:
                    half = (
                        "held out"
                        if held_out
                        else "not held out: tuning has seen these pairs, or ones like them"
                    )
                    yield f"### {WORDS[group]} ({half})\n"
                yield table.markdown() + "\n"
