"""Intervals and tests over launches: values worked out by hand, and properties that always hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse import statistics

SEVEN = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
EIGHT = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
speeds = st.floats(min_value=0.1, max_value=1e6)
launches = st.lists(speeds, min_size=8, max_size=20)


def test_the_spread_is_the_interquartile_range_over_the_median() -> None:
    assert statistics.spread([10.0, 20.0, 30.0, 40.0, 50.0]) == pytest.approx((40 - 20) / 30)
    assert statistics.spread([5.0]) == 0.0
    assert statistics.spread([0.0, 0.0, 0.0]) == 0.0
    assert statistics.spread([-1.0, 0.0, 1.0]) == float("inf")


def test_the_spread_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no values"):
        statistics.spread([])


def test_below_eight_launches_there_is_no_interval_and_no_test() -> None:
    assert statistics.median_interval(SEVEN) is None
    assert statistics.ratio_interval(SEVEN, EIGHT) is None
    assert statistics.mann_whitney(EIGHT, SEVEN) is None


def test_below_eight_launches_a_comparison_gives_the_ratio_and_its_range() -> None:
    found = statistics.compare([200.0, 220.0, 210.0], [100.0, 105.0, 110.0])
    assert found.ratio == 2.0
    assert found.low == pytest.approx(200 / 110)
    assert found.high == pytest.approx(2.2)
    assert (found.n, found.p_value) == (3, None)


def test_mann_whitney_of_eight_against_eight_without_overlap_is_two_over_the_number_of_orders() -> None:
    # 16 choose 8 = 12,870 orders, two of them as extreme as this one.
    assert statistics.mann_whitney(EIGHT, [value + 10 for value in EIGHT]) == pytest.approx(2 / 12_870)


def test_equal_launches_have_a_point_as_interval_and_a_ratio_of_one() -> None:
    assert statistics.median_interval([3.0] * 8) == (3.0, 3.0)
    assert statistics.ratio_interval([3.0] * 8, [3.0] * 8) == (1.0, 1.0)


def test_the_interval_of_eight_launches_is_the_same_on_every_build() -> None:
    first = statistics.median_interval(EIGHT)
    assert first == statistics.median_interval(EIGHT)
    assert first is not None
    assert list(first) == pytest.approx([2.5, 6.5], abs=0.5)


def test_the_interval_covers_the_true_median_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    hits = 0
    for _ in range(100):
        interval = statistics.median_interval(generator.normal(10.0, 1.0, 12).tolist())
        assert interval is not None
        hits += interval[0] <= 10.0 <= interval[1]
    assert 88 <= hits <= 100


@given(launches)
def test_an_interval_lies_within_the_values_and_around_their_median(values: list[float]) -> None:
    interval = statistics.median_interval(values)
    assert interval is not None
    assert min(values) <= interval[0] <= np.median(values) <= interval[1] <= max(values)


@given(launches, launches)
def test_a_ratio_lies_within_its_interval_and_the_interval_within_the_range(a: list[float], b: list[float]) -> None:
    found, (lowest, highest) = statistics.compare(a, b), statistics.ratio_range(a, b)
    assert lowest <= found.low * (1 + 1e-12)
    assert found.low <= found.ratio <= found.high
    assert found.high <= highest * (1 + 1e-12)
    assert found.p_value is not None
    assert 0.0 <= found.p_value <= 1.0


@given(launches, launches)
def test_which_engine_comes_first_does_not_change_the_p_value(a: list[float], b: list[float]) -> None:
    assert statistics.mann_whitney(a, b) == pytest.approx(statistics.mann_whitney(b, a))
