import numpy as np
import pytest

from napari_longiseg.registration._sharing import digest, packed, unpacked

LARGE, SMALL = np.arange(1000.0).reshape(10, 100), np.array(3)


def test_an_array_of_two_names_is_written_once():
    state = {"there": LARGE, "back": LARGE, "steps": SMALL}
    content = packed(state, {})
    assert sorted(array.size for array in content.values()) == [1, 1, 1000]
    found = unpacked(content, {})
    assert found.keys() == state.keys()
    assert found["there"] is found["back"]
    np.testing.assert_array_equal(found["there"], LARGE)
    assert found["steps"] == 3


def test_what_the_reader_has_is_not_written():
    content = packed({"first": LARGE, "more": SMALL}, {"base": LARGE, "other": np.zeros(5)})
    assert sum(array.size for array in content.values()) == 2
    again = LARGE.copy()
    assert unpacked(content, {"base": again})["first"] is again


def test_no_pickle_is_needed():
    assert not any(array.dtype.hasobject for array in packed({"a": LARGE}, {}).values())


def test_the_digest_is_that_of_the_content():
    state = {"a": LARGE, "b": LARGE}
    assert digest(state) == digest({"b": LARGE.copy(), "a": LARGE[:, ::-1][:, ::-1]})
    others = [
        {"a": LARGE},
        {"a": LARGE, "c": LARGE},
        {"a": LARGE, "b": LARGE + 1e-9},
        {"a": LARGE, "b": LARGE.reshape(100, 10)},
        {"a": LARGE, "b": LARGE.view(np.int64)},
    ]
    assert len({digest(other) for other in [state, *others]}) == 6


@pytest.mark.parametrize("places", ["3", "[1, 2]", '{"a": ["own"]}', '{"a": ["nowhere", "0"]}', "{", None])
def test_what_was_not_packed(places):
    content = {"0": LARGE} if places is None else {"0": LARGE, "places": np.array(places)}
    with pytest.raises(ValueError, match="no packed state"):
        unpacked(content, {})
