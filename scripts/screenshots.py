"""Pictures of the workbench's main states for the documentation: ``python scripts/screenshots.py``.

Needs a screen, or a virtual one, and some minutes. Works on the study that comes with the package.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from napari_longiseg._qt.demo import open_window, pause, save_picture, wait_for
from napari_longiseg._qt.layers_dialog import LayersDialog
from napari_longiseg.io.sample import sample_folder

DOCS = Path(__file__).parents[1] / "docs"
LIMIT_S = 500


class Scene:
    """The window with the study, brought from one state to the next."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.viewer, self.panel = open_window(sample_folder(), to_work_in=False)
        self.viewer.window.resize(1560, 900)
        self.rest()
        self.viewer.reset_view(margin=0.02)

    def rest(self) -> None:
        """Wait until nothing is being computed or drawn."""
        wait_for(lambda: not self.panel.runner.busy and not self.panel.desk.bridge.showing, LIMIT_S)
        pause(600)

    def shoot(self, name: str) -> None:
        """Save a picture of the whole window."""
        self.viewer.window.activate()
        pause(300)
        save_picture(self.out / f"{name}.png", self.viewer.window.screenshot(flash=False, canvas_only=False))
        print(self.out / f"{name}.png")

    # ---- states, in the order of a reader's work

    def proposals(self) -> None:
        """The first click: outlined there, proposed on the other scans."""
        lesion = self.panel.session.lesions[3]
        self.panel.study_bar.windows.setCurrentText("Soft tissue")
        self.panel.desk.bridge.set_window("Soft tissue")
        self.panel.desk.router.clicked.emit("T0", lesion.clicks[0].point_mm, True)
        self.rest()
        self.panel.desk.reviewing.go_there()
        self.shoot("proposals")

    def review(self) -> None:
        """Some findings accepted, the others still to be looked at; the registered cursor."""
        desk = self.panel.desk
        for _ in range(3):
            desk.reviewing.accept()
            self.rest()
        desk.prompting.track([lesion.id for lesion in self.panel.session.lesions])
        self.rest()
        for _ in range(5):
            desk.reviewing.accept()
            pause(100)
        self.rest()
        self.shoot("panel")

    def charts(self) -> None:
        """Volumes over time with the thresholds of response."""
        self.panel.charts.expand()
        self.rest()
        self.shoot("charts")
        self.panel.charts.collapse()

    def keys(self) -> None:
        """The list of keys."""
        self.panel.help.toggle()
        pause(300)
        self.shoot("keys")
        self.panel.help.toggle()

    def three_d(self) -> None:
        """All scans in 3-D."""
        self.viewer.dims.ndisplay = 3
        self.rest()
        self.shoot("three_d")
        self.viewer.dims.ndisplay = 2

    def layers_dialog(self) -> None:
        """Open layers as scans."""
        dialog = LayersDialog(self.viewer.layers, self.panel)
        dialog.show()
        pause(300)
        dialog.grab().save(str(self.out / "layers_dialog.png"))
        dialog.close()
        dialog.deleteLater()
        print(self.out / "layers_dialog.png")

    def close(self) -> None:
        """Let go of the window."""
        self.panel.close_desk()
        self.viewer.close()


def main() -> None:
    """Go through all states."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=DOCS, help="folder for the pictures")
    scene = Scene(parser.parse_args().out)
    for state in (
        scene.proposals, scene.review, scene.charts, scene.keys, scene.three_d, scene.layers_dialog,
    ):  # fmt: skip
        state()
    scene.close()


if __name__ == "__main__":
    main()
