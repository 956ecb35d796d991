"""How long the event loop of a real napari window stands still while a reader works on a study.

    longiseg synth STUDY --dates 4 --size 512,512,400 --spacing-mm 0.75,0.75,1
    python benchmarks/responsiveness.py STUDY [--registration affine] [--details 3]
    python benchmarks/responsiveness.py STUDY --bare

Needs a screen, or a virtual one. A timer ticks every 5 ms in the GUI thread. For each stage of the work the
table says how long it took, the longest time between two ticks, how long the GUI thread and the engine's have
computed in that time, how many gaps were longer than 100 ms, and what the GUI thread was at in the longest.
``--bare`` measures napari alone with the same voxels as bare layers.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

SIZE = (1560, 900)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", type=Path, help="folder with study.json")
    parser.add_argument("--registration", help="another than the usual one")
    parser.add_argument("--segmenter", help="another than the usual one")
    parser.add_argument(
        "--details", type=int, default=0, help="so many gaps of each stage, with their stacks"
    )
    parser.add_argument("--bare", action="store_true", help="napari alone")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:  # all is aligned anew, and nothing of the user's is touched
        os.environ |= {"LONGISEG_CACHE": f"{folder}/maps", "XDG_DATA_HOME": f"{folder}/data"}
        os.environ["NAPARI_CONFIG"] = f"{folder}/napari.yaml"
        print(measured(args, Path(folder)))


def measured(args: argparse.Namespace, folder: Path) -> str:
    """The table, after the napari window was closed; napari reads its folders when it is imported."""
    import napari
    from napari_longiseg.io.manifest import load_study
    from window.bare import bare
    from window.stage import Stages, details, table
    from window.work import Work

    viewer = napari.Viewer(title="napari-longiseg")
    viewer.window.resize(*SIZE)
    if args.bare:
        stages = Stages()
        bare(viewer, load_study(args.study), stages)
    else:
        _, panel = viewer.window.add_plugin_dock_widget("napari-longiseg", "Lesion tracking")
        if args.registration:
            panel.options.registration.prefer(args.registration, {})
        if args.segmenter:
            panel.options.segmenter.prefer(args.segmenter, {})
        stages = Stages()
        Work(panel, stages).all(args.study, folder / "saved.longiseg.zarr")
        panel.close_desk()
    stages.stop()
    viewer.close()
    return "\n\n".join([table(stages.done), details(stages.done, args.details)])


if __name__ == "__main__":
    main()
