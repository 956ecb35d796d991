import numpy as np
import pytest

from napari_longiseg.core.geometry import Grid
from napari_longiseg.registration.transforms import Affine, Chain, Displacement, Inverse, pack, unpack

TURN = np.array([[1.02, 0.03, 0.0], [-0.03, 0.98, 0.04], [0.0, -0.04, 1.0]])
LATTICE = Grid((9, 10, 11), (8.0, 7.0, 6.0), (-20.0, -30.0, -25.0))
POINTS = np.random.default_rng(0).uniform(-15, 25, (40, 3))


def bend(size_mm=3.0, order=1, backward=None):
    z, y, x = np.moveaxis(LATTICE.to_mm(np.moveaxis(np.indices(LATTICE.shape), 0, -1)), -1, 0)
    vectors = size_mm * np.stack([np.sin(y / 20), np.cos(x / 25), np.sin(z / 30)])
    return Displacement(vectors.astype(np.float32), LATTICE, backward, order)


class TestAffine:
    def test_there_and_back(self):
        step = Affine(TURN, np.array([3.0, -200.0, 5.0]))
        assert np.allclose(step.inverse(step(POINTS)), POINTS)

    def test_after(self):
        first, second = Affine(TURN, np.array([3.0, 1.0, 5.0])), Affine.shift((1.0, 2.0, 3.0))
        assert np.allclose(second.after(first)(POINTS), second(first(POINTS)))

    def test_about_a_centre(self):
        step = Affine.about((1.0, 2.0, 3.0), (4.0, 5.0, 6.0), TURN)
        assert np.allclose(step([(1.0, 2.0, 3.0)]), [(4.0, 5.0, 6.0)])

    def test_identity(self):
        assert np.array_equal(Affine.identity()(POINTS), POINTS)


class TestDisplacement:
    def test_is_exact_at_the_nodes(self):
        node = LATTICE.to_mm([[3, 4, 5]])
        for order in (1, 3):
            step = bend(order=order)
            assert np.allclose(step(node) - node, step.vectors[:, 3, 4, 5], atol=1e-5)

    def test_beyond_the_border_it_is_the_borders(self):
        corner = LATTICE.to_mm([[8, 9, 10]])
        assert np.allclose(bend().at(corner + 100.0), bend().at(corner), atol=1e-6)

    def test_without_a_known_inverse_it_is_inverted_by_iteration(self):
        step = bend()
        assert isinstance(step.inverse, Inverse)
        assert np.allclose(step.inverse(step(POINTS)), POINTS, atol=2e-3)

    def test_steep_places_are_inverted_too(self):
        step = bend(size_mm=17.0)
        assert np.allclose(step.inverse(step(POINTS)), POINTS, atol=0.05)

    def test_a_known_inverse_is_used(self):
        backward = -bend().vectors
        assert np.array_equal(bend(backward=backward).inverse.vectors, backward)


class TestChain:
    def test_the_first_step_comes_first(self):
        turn, shift = Affine(TURN, np.zeros(3)), Affine.shift((5.0, 0.0, 0.0))
        assert np.allclose(Chain((shift, turn))(POINTS), turn(shift(POINTS)))

    def test_there_and_back(self):
        chain = Chain((Affine(TURN, np.zeros(3)), bend(), Affine.shift((5.0, -3.0, 0.0))))
        assert np.allclose(chain.inverse(chain(POINTS)), POINTS, atol=2e-3)

    def test_no_step_is_the_identity(self):
        assert np.array_equal(Chain(())(POINTS), POINTS)


class TestArrays:
    def test_a_packed_chain_is_the_same_chain(self):
        known = bend(order=3, backward=-bend().vectors)
        chain = Chain((Affine(TURN, np.ones(3)), known, bend(order=1)))
        again = unpack(pack(chain))
        assert np.array_equal(again(POINTS), chain(POINTS))
        assert np.array_equal(again.inverse(POINTS), chain.inverse(POINTS))

    def test_other_transforms_cannot_be_packed(self):
        with pytest.raises(TypeError, match="Inverse cannot be written"):
            pack(Inverse(bend()))

    def test_other_arrays_are_no_chain(self):
        with pytest.raises(KeyError):
            unpack({"vectors": np.zeros(3)})
