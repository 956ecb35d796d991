from napari_longiseg.io.points import from_xyz, to_xyz


def test_there_and_back():
    assert from_xyz([1, 2, 3]) == (3.0, 2.0, 1.0)
    assert to_xyz(from_xyz([1.5, 2, 3])) == (1.5, 2.0, 3.0)
