"""Files appear whole or not at all."""

import pytest

from napari_longiseg.core.errors import InputError
from napari_longiseg.io.arriving import arriving


def test_a_file_appears_when_all_went_well(tmp_path):
    path = tmp_path / "new" / "file"
    with arriving(path) as part:
        part.write_text("content")
        assert not path.exists()
    assert path.read_text() == "content"
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")

    def fail() -> None:
        with arriving(path) as part:
            part.write_text("half")
            raise KeyError("broken")

    with pytest.raises(KeyError, match="broken"):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file cannot be written to: "), arriving(tmp_path / "file" / "more"):
        pass
