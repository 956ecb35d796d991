"""How far points land from where they belong, what that costs, and whether a method knows it.

``python benchmarks/registration.py [STUDY ...] --out FILE.jsonl`` gives all methods that work here the same
pairs, each in a process of its own: synthetic patients, the first scan of each study moved in known ways,
organs that slide, other fields of view, scans that do not belong together, the same pair presented in other
ways, and the studies themselves (folders with ``study.json`` and ``gt_<scan>.nii.gz`` beside it). Results are
kept in the file as they come: stop with Ctrl-C and start again to go on. ``--write-docs`` writes them into
docs/registration.md.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from _child import Job, run
from _docs import write_docs
from _measure import Comparison
from _results import UNAVAILABLE, Result, Results, circumstances
from _summary import errors, verdict
from _tables import tables
from napari_longiseg.core.methods import REGISTRATIONS, available
from pairs.groups import GROUPS, recipes
from pairs.library import Library, Recipe

DOCS = Path(__file__).parent.parent / "docs" / "registration.md"
HALVES = {"all": (False, True), "tuning": (False,), "held-out": (True,)}


def main() -> None:
    options = _options()
    results = Results(options.out)
    with tempfile.TemporaryDirectory() as folder:
        library = Library(recipes(options.studies), options.cache or Path(folder))
        chosen = [recipe for recipe in library.recipes.values() if _wanted(recipe, options)]
        try:
            for result in _measured(library, chosen, results, options):
                print(_line(result), flush=True)
        except KeyboardInterrupt:
            print(f"Stopped; start again with --out {options.out} to go on.")
    names = {recipe.name for recipe in chosen}
    shown = [result for result in results if result["pair"] in names and result["method"] in options.methods]
    for group in options.groups:
        for half in HALVES[options.half]:
            for table in tables([result for result in shown if result["held_out"] == half], group):
                print(f"\n[{group}, {'held out' if half else 'not held out'}] {table.text()}")
    if options.write_docs:
        write_docs(list(results), DOCS)


def _measured(
    library: Library, chosen: Sequence[Recipe], results: Results, options: argparse.Namespace
) -> Iterator[Result]:
    """Every method on every pair, but for what is known and for methods that do not work here."""
    now, unavailable = circumstances(), set()
    for recipe in chosen:
        for method in options.methods:
            if method in unavailable or (results.get(method, recipe.name) and not options.again):
                continue
            like = _comparison(results.get(method, recipe.like))
            if recipe.like and not like:
                print(f"{method:<14}{recipe.name:<44}not measured: there is no result of '{recipe.like}'")
                continue
            library[recipe.name]  # is made here and kept, for the child to find
            job = Job(
                method, recipe.name, [str(folder) for folder in options.studies], str(library.cache),
                not options.one_way, like,
            )  # fmt: skip
            about = {
                "method": method, "pair": recipe.name, "group": recipe.group, "held_out": recipe.held_out,
                "refuse": recipe.refuse, "like": recipe.like,
            }  # fmt: skip
            result = about | run(job) | now
            if result["outcome"] == UNAVAILABLE:
                unavailable.add(method)
            results.add(result)
            yield result


def _comparison(result: Result | None) -> Comparison | None:
    """What a pair that is another one altered is compared with."""
    if not result or "mapped_mm" not in result:
        return None
    return Comparison(result["points_mm"], result["mapped_mm"])


def _line(result: Result) -> str:
    """A result as it comes."""
    start = f"{result['method']:<14}{result['pair']:<44}"
    if result["outcome"] != "aligned":
        return f"{start}{result['outcome']}: {result['message']}"
    figures = [
        f"{points} {errors([result], points, 'best').mean:.2f} mm"
        for points in ("lesions", "body")
        if result.get(points)
    ]
    cost = f"{result['wall_s']:.1f} s, {result['peak_mb']:.0f} MB"
    return f"{start}{verdict(result)}: {', '.join([*figures, cost])}"


def _wanted(recipe: Recipe, options: argparse.Namespace) -> bool:
    return (
        recipe.group in options.groups
        and recipe.held_out in HALVES[options.half]
        and options.only in recipe.name
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    methods = list(available(REGISTRATIONS))
    parser.add_argument(
        "studies", nargs="*", type=Path, metavar="STUDY", help="folder of a study with outlines"
    )
    parser.add_argument(
        "--methods", type=_words(methods), default=methods, help=f"some of {','.join(methods)}"
    )
    parser.add_argument("--groups", type=_words(GROUPS), default=GROUPS, help=f"some of {','.join(GROUPS)}")
    parser.add_argument("--half", choices=HALVES, default="all", help="pairs to tune on, or held-out ones")
    parser.add_argument("--only", default="", metavar="TEXT", help="only pairs with this in their name")
    parser.add_argument(
        "--out", type=Path, default=Path("registration.jsonl"), help="file of results, kept and added to"
    )
    parser.add_argument("--cache", type=Path, help="folder that keeps the pairs, which take long to make")
    parser.add_argument("--one-way", action="store_true", help="do not align the other way round as well")
    parser.add_argument("--again", action="store_true", help="measure anew what the file of results has")
    parser.add_argument(
        "--write-docs", action="store_true", help="write the file's results into docs/registration.md"
    )
    return parser.parse_args()


def _words(known: Sequence[str]) -> Callable[[str], list[str]]:
    def words(text: str) -> list[str]:
        found = text.split(",")
        if unknown := [word for word in found if word not in known]:
            msg = f"{', '.join(unknown)}: choose from {', '.join(known)}"
            raise argparse.ArgumentTypeError(msg)
        return found

    return words


if __name__ == "__main__":
    main()
