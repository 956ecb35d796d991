"""The charts over a session, without a viewer."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QFileDialog

from napari_longiseg._qt.charts.box import BEST_CHANGE, HEIGHT, LEAST, QUIET_MS, SUM, ChartBox
from napari_longiseg._qt.charts.drawing import PROGRESSION_COLOUR, RESPONSE_COLOUR
from napari_longiseg._qt.charts.marks import spread
from napari_longiseg._qt.charts.texts import no_chart_text, note
from napari_longiseg.core.errors import InputError
from napari_longiseg.core.lesion import Finding, Lesion, Measurements, Origin, Presence, Review
from napari_longiseg.core.series import Size, timeline
from napari_longiseg.session import Session

ENDS = ((0.0, 0.0, 0.0), (0.0, 0.0, 14.0))


def present(lesion: int, scan: str, volume_ml: float, **changes) -> Finding:
    size = Measurements(volume_ml, 10 * volume_ml, 5.0, 40.0, ENDS, ENDS)
    finding = Finding(lesion, scan, Presence.PRESENT, Origin.PROPAGATED, "T0", measurements=size)
    return replace(finding, **{"review": Review.ACCEPTED, **changes})


@pytest.fixture
def session(study) -> Session:
    """Lesion 1 grows, lesion 2 vanishes, lesion 3 is known on the last date only."""
    session = Session()
    session.open(study.with_lesions((Lesion(1), Lesion(2, "a node with a long name"), Lesion(3))))
    for finding in (
        present(1, "T0", 1.0), present(1, "T1", 2.0), present(1, "T2", 4.0, review=Review.PROPOSED),
        present(2, "T0", 2.0), replace(present(2, "T1", 0.0), presence=Presence.NOT_FOUND, measurements=None),
        present(3, "T2", 0.5),
    ):  # fmt: skip
        session.set_known(finding)
    return session


@pytest.fixture
def box(session, qtbot) -> ChartBox:
    box = ChartBox(session, lambda lesion_id: f"#{lesion_id:02x}8080")
    qtbot.addWidget(box)
    box.resize(500, 460)
    box.show()
    yield box
    box.close_session()


@pytest.fixture
def unfolded(box) -> ChartBox:
    box.expand(animate=False)
    return box


def texts(axes) -> set[str]:
    return {text.get_text() for text in axes.texts}


def lines(axes, colour: str) -> list:
    return [line for line in axes.lines if line.get_color() == colour and line.get_linewidth() > 1]


def test_matplotlib_waits_until_a_chart_is_unfolded(box, session):
    session.set_known(present(3, "T0", 0.4))
    assert box._canvas is None
    box.expand(animate=False)
    assert box._canvas.isVisible()


def test_lesions_are_drawn_in_their_colours_with_their_sum_above(unfolded, study):
    above, below = unfolded._canvas.figure.axes
    days = [(scan.date - study.scans[0].date).days for scan in study.scans]
    (grows,) = [line for line in lines(below, "#018080") if line.get_linestyle() == "-"]
    assert list(grows.get_xdata()) == days
    assert list(grows.get_ydata()) == [1, 2, 4]
    (hollow,) = [line for line in below.lines if line.get_markerfacecolor() == unfolded._look().background
                 and line.get_color() == "#018080"]  # fmt: skip
    assert list(hollow.get_ydata())[2] == 4
    assert texts(below) == {"Lesion 1", "a node with a…", "Lesion 3"}
    assert texts(above) == {"sum, incomplete"}  # without a complete one on the first date: no thresholds
    assert "T0 (lesion 3)" in unfolded.note.text()


def test_the_sum_has_the_thresholds_of_response(unfolded, session, qtbot):
    for scan in ("T0", "T1"):
        session.set_known(present(3, scan, 0.5))
    session.set_known(present(2, "T2", 0.1))
    unfolded.size_shown.setCurrentIndex(1)
    above, _ = unfolded._canvas.figure.axes
    drawn = {line.get_color(): list(line.get_ydata()) for line in above.lines if line.get_linestyle() == "--"}
    assert drawn[RESPONSE_COLOUR] == [
        21,
        21,
    ]  # 0.7 x 30 mm; lesion 3 measures 5 mm, too little
    assert drawn[PROGRESSION_COLOUR][1:] == [36, 25]  # of 30, and of 20, where 20 % are less than 5 mm
    assert texts(above) == {"sum", "response\n-30 %", "progression\n+20 %, +5 mm"}
    assert "Sum of 2 lesions" in unfolded.note.text()
    assert "RECIST 1.1" in unfolded.note.text()


def test_in_a_low_chart_each_lesion_is_drawn_and_the_sum_by_itself(unfolded, qtbot):
    unfolded.fit(0)
    qtbot.waitUntil(lambda: len(unfolded._canvas.figure.axes) == 1)
    assert "Lesion 1" in texts(unfolded._canvas.figure.axes[0])
    unfolded.kind.setCurrentText(SUM)
    assert texts(unfolded._canvas.figure.axes[0]) == {"sum, incomplete"}
    unfolded.fit(2000)
    qtbot.waitUntil(lambda: unfolded.content().height() == HEIGHT)
    unfolded.fit(300)
    assert LEAST < unfolded.content().height() < 300


def test_nothing_is_written_over_a_chart_nor_beside_the_figure(unfolded, qtbot):
    for room in (0, 300, 2000):
        unfolded.fit(room)
        qtbot.wait(2 * QUIET_MS)
        figure = unfolded._canvas.figure
        figure.draw_without_rendering()
        width, height = figure.canvas.get_width_height()
        for axes in figure.axes:
            boxes = [text.get_window_extent() for text in axes.texts]
            assert all(axes.bbox.x1 < box.x0 and box.x1 <= width for box in boxes)
            assert all(box.y0 >= 0 and box.y1 <= height for box in boxes)
            assert all(a.y1 <= b.y0 + 1 for a, b in pairwise(sorted(boxes, key=lambda box: box.y0)))


def test_ticks_of_a_log_scale_are_plain_numbers_that_can_be_read(unfolded):
    unfolded.log.setChecked(True)
    for axes in unfolded._canvas.figure.axes:
        low, high = axes.get_ylim()
        ticks = [tick.get_text() for tick in axes.get_yticklabels()]
        assert 2 <= len(ticks) <= 12
        assert all(float(tick) >= 0 for tick in ticks)
        assert all(low <= float(tick) <= high for tick in ticks)


@pytest.mark.parametrize("size", [0, 1])
def test_log_scale_has_a_place_for_nothing(unfolded, size):
    unfolded.size_shown.setCurrentIndex(size)
    unfolded.log.setChecked(True)
    above, below = unfolded._canvas.figure.axes
    assert above.get_yscale() == "log"
    assert below.get_yscale() == "symlog"
    assert below.get_ylim()[0] < 0


def test_the_selected_lesion_stands_out(unfolded, session, qtbot):
    session.select(2)
    qtbot.waitUntil(
        lambda: any(text.get_fontweight() == "bold" for text in unfolded._canvas.figure.axes[1].texts)
    )
    below = unfolded._canvas.figure.axes[1]
    assert lines(below, "#028080")[0].get_alpha() == 1
    assert lines(below, "#018080")[0].get_alpha() < 1


def test_best_changes_fall_from_left_to_right(unfolded):
    unfolded.kind.setCurrentText(BEST_CHANGE)
    (axes,) = unfolded._canvas.figure.axes
    assert [bar.get_height() for bar in axes.patches] == [100, -100]
    assert texts(axes) == {"+73 %\nprogression", "-66 %\nresponse"}
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["Lesion 1", "a node with a…"]
    assert not unfolded.log.isEnabled()
    assert "Left out, for they have no size on T0 or later: lesion 3." in unfolded.note.text()


def test_findings_that_come_together_are_drawn_once_and_only_where_seen(
    unfolded, session, qtbot, monkeypatch
):
    drawn = []
    monkeypatch.setattr(ChartBox, "_draw", lambda *_: drawn.append(1))
    qtbot.wait(2 * QUIET_MS)
    drawn.clear()
    for volume in (0.1, 0.2, 0.3):
        session.set_known(present(3, "T1", volume))
    qtbot.waitUntil(lambda: bool(drawn))
    qtbot.wait(2 * QUIET_MS)
    assert len(drawn) == 1
    unfolded.collapse(animate=False)
    session.set_known(present(3, "T1", 0.4))
    qtbot.wait(2 * QUIET_MS)
    assert len(drawn) == 1
    unfolded.expand(animate=False)
    assert len(drawn) == 2


def test_colours_follow_the_theme(unfolded, qtbot):
    palette = QPalette(unfolded.palette())
    palette.setColor(QPalette.ColorRole.Window, QColor("#f0f0f0"))
    unfolded.setPalette(palette)
    from matplotlib.colors import to_hex

    figure = unfolded._canvas.figure
    qtbot.waitUntil(lambda: to_hex(figure.get_facecolor()) == "#f0f0f0")


def test_it_says_why_there_is_nothing_to_draw(unfolded, session, study, qtbot):
    unfolded.kind.setCurrentText(BEST_CHANGE)
    session.open(study.with_lesions((Lesion(1),)))
    qtbot.waitUntil(lambda: unfolded.empty.text().startswith("No lesion is outlined yet"))
    assert not unfolded._canvas.isVisible()
    assert not unfolded.save_button.isEnabled()
    session.set_known(present(1, "T1", 1.0))
    unfolded.draw()
    assert unfolded.empty.text().startswith("No lesion has a size on T0")
    session.open(None)
    unfolded.draw()
    assert unfolded.empty.text().startswith("Open a study")
    one = replace(study, scans=study.scans[:1], lesions=())
    line = timeline(one, [Lesion(1)], lambda *_: present(1, "T0", 1.0), Size.VOLUME)
    assert no_chart_text(one, line, True).startswith("A change needs scans of two dates")
    assert no_chart_text(one, line, False) == ""


def test_one_scan_can_be_drawn(unfolded, session, study):
    session.open(replace(study, scans=study.scans[:1], lesions=(Lesion(1),)))
    session.set_known(present(1, "T0", 1.0))
    unfolded.draw()
    unfolded.log.setChecked(True)
    unfolded._canvas.draw()
    assert unfolded.empty.text() == ""


@pytest.mark.parametrize(("name", "start"), [("a.png", b"\x89PNG"), ("b.SVG", b"<?xml")])
def test_a_chart_is_saved_on_white_with_its_note(box, tmp_path, name, start, monkeypatch):
    from matplotlib.figure import Figure

    saved = []
    whole = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (saved.append(self), whole(self, *a, **k)))
    box.save(tmp_path / name)
    (figure,) = saved
    assert figure.get_facecolor() == (1, 1, 1, 1)
    assert len(figure.axes) == 2
    (written,) = figure.texts
    assert "RECIST 1.1" in written.get_text().replace("\n", " ")
    figure.draw_without_rendering()
    below = figure.axes[1].xaxis.get_tightbbox().y0
    assert written.get_window_extent().y1 < below
    assert (tmp_path / name).read_bytes().startswith(start)
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_what_cannot_be_saved_is_refused_and_leaves_nothing(box, session, tmp_path):
    with pytest.raises(InputError, match=r"saved as \.png or \.svg: give chart\.pdf"):
        box.save(tmp_path / "chart.pdf")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written to"):
        box.save(tmp_path / "file" / "chart.png")
    session.open(None)
    with pytest.raises(InputError, match="Open a study"):
        box.save(tmp_path / "chart.png")
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_the_button_asks_where_and_tells(unfolded, tmp_path, qtbot, monkeypatch):
    answers = iter([("", ""), (str(tmp_path / "a.png"), ""), (str(tmp_path / "a.gif"), "")])
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: next(answers))
    unfolded.save_button.click()
    with qtbot.waitSignal(unfolded.saved) as told:
        unfolded.save_button.click()
    assert told.args == ["The chart is saved as a.png."]
    with qtbot.waitSignal(unfolded.failed) as told:
        unfolded.save_button.click()
    assert told.args[0].startswith("Charts are saved as .png or .svg")


def test_names_beside_a_chart_keep_their_distance():
    assert spread([], 0.1) == []
    assert spread([0.2, 0.8], 0.1) == [0.2, 0.8]
    assert spread([0.5, 0.5], 0.1) == pytest.approx([0.5, 0.6])
    assert spread([1.0, 1.0], 0.1) == pytest.approx([0.9, 1.0])
    assert spread([0.0] * 21, 0.1) == pytest.approx([place / 20 for place in range(21)])


def test_many_lesions_are_named_by_the_first(study):
    line = timeline(study, [Lesion(i) for i in range(1, 10)], lambda *_: None, Size.VOLUME)
    assert "lesions 1, 2, 3, 4, 5, 6 and 3 more" in note(line, False)
