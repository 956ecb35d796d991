"""What stands above each scan: its id and date, in the colour of the date."""

from __future__ import annotations

from collections.abc import Sequence

from napari_longiseg.core.scan import Scan

DATE_COLOURS = ("#56b4e9", "#e69f00", "#2bc49a", "#f0e442", "#e08ebc", "#f07028")
"""After Okabe and Ito (2008), for readers of any colour vision; lighter, since they stand on black."""


def title(scan: Scan) -> str:
    """What stands above a scan."""
    return f"{scan.id} · {scan.date.isoformat()}" if scan.date else scan.id


def date_colours(count: int, palette: Sequence[str] = DATE_COLOURS) -> tuple[str, ...]:
    """One ``#rrggbb`` for each of so many dates; the palette repeats."""
    return tuple(palette[i % len(palette)] for i in range(count))
