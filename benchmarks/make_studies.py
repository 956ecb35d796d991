"""Make study folders with known truth out of any CT.

    python benchmarks/make_studies.py CHEST_CT.nii.gz --out STUDIES --seed 1 --seed 2
    python benchmarks/make_studies.py LUNG.nrrd --lesion LUNG_TUMOUR.nrrd --out STUDIES --seed 1
    python benchmarks/studies.py STUDIES/* --segmenter region --segmenter uls --segmenter longinet

Each study has three dates. Irregular lesions of 6 to 40 mm, two in lung and two in soft tissue, are put into
the scan; at the later dates they have grown, shrunk or vanished, and the patient has moved and breathed and
was scanned on another grid, with more noise. A real lesion that is given as a mask is one more of them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from held_out.study import make, write
from inserted import load
from napari_longiseg.core.errors import LongisegError
from napari_longiseg.core.scan import Scan


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("ct", type=Path, help="an image file or a DICOM folder, in HU")
    parser.add_argument("--out", type=Path, required=True, help="folder of the study folders")
    parser.add_argument("--seed", action="append", type=int, help="one study each; 1 by default")
    parser.add_argument("--lesion", type=Path, help="mask of a real lesion in the CT, on its grid")
    parser.add_argument("--count", type=int, default=4, help="lesions to put into it")
    options = parser.parse_args()
    image, grid = load(options.ct)
    scan = Scan("T0", np.rint(image).astype(np.int16), grid)
    own = load(options.lesion)[0] > 0 if options.lesion else None
    if own is not None and own.shape != grid.shape:
        parser.error(f"{options.lesion} has another shape than {options.ct}.")
    for seed in options.seed or [1]:
        name = f"{options.ct.name.split('.')[0]}-{seed}"
        try:
            write(make(name, scan, own, seed, options.count), options.out / name)
        except LongisegError as error:
            raise SystemExit(str(error)) from None
        print(options.out / name)


if __name__ == "__main__":
    main()
