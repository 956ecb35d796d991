"""Tables of landmarks; every mistake is one sentence that names the line."""

import pytest

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.landmark import Landmark
from napari_longiseg.io.landmarks import read_landmarks, write_landmarks

HEADER = "scan,name,x_mm,y_mm,z_mm\n"
LANDMARKS = (
    Landmark("T0", "carina", (110.25, -15.5, -8.0)),
    Landmark("T1", "carina", (108.0, -16.0, 7.125)),
    Landmark("T1", "apex, left", (-1e-5, 250.0, 3.0)),
)


@pytest.fixture
def table(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "landmarks.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


def test_round_trip(tmp_path):
    path = tmp_path / "landmarks.csv"
    write_landmarks(path, LANDMARKS)
    assert path.read_text().splitlines()[1] == "T0,carina,-8.000,-15.500,110.250"
    again = read_landmarks(path)
    assert again[:2] == LANDMARKS[:2]
    assert again[2].name == "apex, left"
    assert again[2].point_mm == pytest.approx(LANDMARKS[2].point_mm, abs=1e-3)
    assert list(tmp_path.iterdir()) == [path]


def test_columns_in_any_order_among_others(table):
    path = table("\ufeffComment, z_mm,Name,scan,y_mm,X_MM\n,3,carina,T0,2,1\n\n,,,,,\nsure,6,apex,T0,5,4e0\n")
    assert read_landmarks(path) == (
        Landmark("T0", "carina", (3.0, 2.0, 1.0)),
        Landmark("T0", "apex", (6.0, 5.0, 4.0)),
    )


def test_a_table_may_be_empty(table):
    assert read_landmarks(table(HEADER)) == ()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "line 1 must name the columns scan, name, x_mm, y_mm, z_mm"),
        ("scan,name,x,y,z\n", "line 1 .* it lacks x_mm, y_mm, z_mm"),
        ("scan;name;x_mm;y_mm;z_mm\n", "separated by commas; it lacks scan"),
        ("scan,name,x_mm,y_mm,z_mm,z_mm\n", "line 1 names the column z_mm more than once"),
        (HEADER + "T0,a,1,2,3\nT0,b,1,2\n", "line 3 has no z_mm"),
        (HEADER + "T0,,1,2,3\n", "line 2 has no name"),
        (HEADER + " ,a,1,2,3\n", "line 2 has no scan"),
        (HEADER + 'T0,a,"1,5",2,3\n', "line 2: x_mm must be a number with a decimal point, not '1,5'"),
        (HEADER + "T0,a,1,2,3\nT0,b,1,inf,3\n", "line 3: The coordinates of .* 'b' on T0 must be finite"),
        (HEADER + "T0,a,1,2,3\n\nT1,a,1,2,3\nT0,a,4,5,6\n", "line 5 repeats landmark 'a' on T0 of line 2"),
        (HEADER + 'T0,"a,1,2,3\n', "not UTF-8 text with commas"),
        (HEADER + "T0,a,1,2,3\nT9,a,1,2,3\n", "line 3 is on scan 'T9', but the scans are T0, T1"),
    ],
)
def test_mistakes(table, text, sentence):
    with pytest.raises(InputError, match=rf"landmarks\.csv.*{sentence}"):
        read_landmarks(table(text), ["T0", "T1"])


def test_files_that_are_no_text(table, tmp_path):
    with pytest.raises(InputError, match="not UTF-8 text"):
        read_landmarks(table(HEADER + "T0,a,1,2,3", "utf-16"))
    with pytest.raises(InputError, match=r"nowhere\.csv cannot be read: No such file"):
        read_landmarks(tmp_path / "nowhere.csv")


def test_nothing_is_left_half_written(tmp_path):
    path = tmp_path / "landmarks.csv"
    path.write_text("as it was")

    def one_then_none():
        yield LANDMARKS[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_landmarks(path, one_then_none())
    assert path.read_text() == "as it was"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(InputError, match=r"cannot be written to .*nowhere"):
        write_landmarks(tmp_path / "nowhere" / "landmarks.csv", LANDMARKS)
