"""Vectors of other sizes: zeros keep inner products, the projection is orthogonal and the same for ever."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.adaptation.vectors import resized, truncated, turn

FIXED = [-2.857738033247, 1.0, 4.041451884327, 3.674234614175, -7.0, 1.732050807569]
SIZES = st.sampled_from([1, 2, 3, 5, 6, 12, 17, 40, 64])


def product(one: tuple[float, ...] | list[float], other: tuple[float, ...] | list[float]) -> float:
    """The inner product."""
    return math.fsum(a * b for a, b in zip(one, other, strict=True))


def unit(place: int, size: int) -> list[float]:
    """One axis."""
    return [float(index == place) for index in range(size)]


@given(SIZES)
def test_turning_is_orthogonal(size: int) -> None:
    """The images of the axes are of length 1 and at right angles."""
    axes = [turn(unit(place, size)) for place in range(size)]
    for row, one in enumerate(axes):
        for column, other in enumerate(axes):
            assert product(one, other) == pytest.approx(float(row == column), abs=1e-9)


@pytest.mark.parametrize("size", [384, 768, 1024])
def test_inner_products_stay(size: int) -> None:
    """Turned vectors have the inner products that they had, in the sizes of real models."""
    one = [math.sin(place) for place in range(size)]
    other = [math.cos(place * 0.7) for place in range(size)]
    assert product(turn(one), turn(other)) == pytest.approx(product(one, other), abs=1e-9)


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=8), st.integers(0, 20))
def test_zeros_are_added(vector: list[float], more: int) -> None:
    """A longer vector begins with the one that it was."""
    assert resized(vector, len(vector) + more) == (*vector, *[0.0] * more)


@pytest.mark.parametrize("dimensions", [1, 2, 100, 256, 383])
def test_a_shorter_vector_has_length_one(dimensions: int) -> None:
    """It is normalised, as the whole one was."""
    short = resized([math.sin(place) for place in range(384)], dimensions)
    assert len(short) == dimensions
    assert math.hypot(*short) == pytest.approx(1)


def test_a_zero_vector_stays_zero() -> None:
    """There is no direction to keep."""
    assert resized([0.0] * 4, 2) == (0.0, 0.0)


def test_near_stays_near() -> None:
    """Of 384 dimensions, 256 keep the order of near and far."""
    base = [math.sin(place * 1.3) for place in range(384)]
    near = [value + 0.3 * math.sin(place * 7.7) for place, value in enumerate(base)]
    far = [math.cos(place * 2.9) for place in range(384)]
    asked, close, distant = (resized(vector, 256) for vector in (base, near, far))
    assert product(asked, close) > 0.9
    assert abs(product(asked, distant)) < 0.2


def test_the_projection_never_changes() -> None:
    """Vectors that were stored stay comparable with those of later versions."""
    assert turn([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) == pytest.approx(FIXED)


def test_truncated_vectors_are_the_beginning_in_length_one() -> None:
    """As services do whose models put most into the first coordinates (contract row E3)."""
    assert truncated((3.0, 4.0, 12.0), 2) == (0.6, 0.8)
    assert truncated((3.0, 4.0), 2) == (0.6, 0.8)
    assert truncated((0.0, 0.0, 1.0), 2) == (0.0, 0.0)
    assert truncated((0.6, 0.8), 4) == (0.6, 0.8, 0.0, 0.0)
