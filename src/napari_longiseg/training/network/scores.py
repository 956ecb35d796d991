"""How well a network does on the cases that were set aside."""

from __future__ import annotations

from torch import Tensor


class CaseScores:
    """Collects the scores of single cases."""

    def __init__(self) -> None:
        self._present: list[float] = []
        self._false_found: list[float] = []

    def add(self, found: Tensor, target: Tensor) -> None:
        """Take the masks (B, Z, Y, X) of a batch, 0 or 1."""
        found, target = found.bool().flatten(1), target.bool().flatten(1)
        both = (found & target).sum(1)
        sizes = found.sum(1), target.sum(1)
        for common, own, true in zip(both.tolist(), *(size.tolist() for size in sizes), strict=True):
            if true:
                self._present.append(2 * common / (own + true))
            else:
                self._false_found.append(float(own > 0))

    def means(self) -> dict[str, float]:
        """Means over cases.

        ``dice`` counts 1 where nothing was to be found nor was, 0 where something was found nevertheless;
        ``dice_present`` is that of lesions that are there; ``false_found`` the share of the absent ones
        where something was found. What there are no cases for is left out.
        """
        absent = [1 - found for found in self._false_found]
        parts = {
            "dice": self._present + absent,
            "dice_present": self._present,
            "false_found": self._false_found,
        }
        return {name: sum(values) / len(values) for name, values in parts.items() if values}
