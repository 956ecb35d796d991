"""Store Hounsfield units in as few bytes as lose nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

_INT16 = np.iinfo(np.int16)


def compact(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The values as int16 where all are whole numbers in its range, else as float32."""
    if values.min() >= _INT16.min and values.max() <= _INT16.max:
        whole = values.astype(np.int16, copy=False)
        if values.dtype.kind in "iu" or np.array_equal(whole, values):
            return whole
    return values.astype(np.float32, copy=False)
