"""Intervals and tests over launches: values worked out by hand, and properties that always hold."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import assume, given
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


@given(launches, launches, st.randoms())
def test_the_order_of_the_launches_does_not_change_a_comparison(
    a: list[float], b: list[float], chance: random.Random
) -> None:
    before = statistics.compare(a, b)
    chance.shuffle(a)
    chance.shuffle(b)
    assert statistics.compare(a, b) == before


@given(launches, launches)
def test_the_interval_of_b_over_a_is_the_inverse_of_that_of_a_over_b(a: list[float], b: list[float]) -> None:
    # Against its equal the interval has no side to invert.
    assume(sorted(a) != sorted(b))
    forth, back = statistics.ratio_interval(a, b), statistics.ratio_interval(b, a)
    assert forth is not None
    assert back is not None
    assert forth == pytest.approx((1 / back[1], 1 / back[0]))


@given(st.floats(min_value=0.5, max_value=2.0))
def test_the_control_gap_is_the_same_whichever_of_the_two_is_faster(ratio: float) -> None:
    def control(value: float) -> statistics.Ratio:
        return statistics.Ratio(value, value, value, 8, 1.0)

    assert statistics.gap(control(ratio)) == pytest.approx(statistics.gap(control(1 / ratio)))
    assert statistics.gap(control(1.25)) == statistics.gap(control(0.8)) == 0.25


def test_the_control_gap_is_the_far_end_of_its_interval_not_its_lucky_median() -> None:
    assert statistics.gap(statistics.Ratio(1.0, 0.99, 1.02, 8, 1.0)) == pytest.approx(0.02)
    assert statistics.gap(statistics.Ratio(1.0, 1 / 1.03, 1.02, 8, 1.0)) == pytest.approx(0.03)


def holm(*p_values: float | None) -> list[float | None]:
    return [one.p_holm for one in statistics.corrected([statistics.Ratio(2, 1.5, 3, 8, p) for p in p_values])]


def test_p_values_are_corrected_step_by_step_for_their_number() -> None:
    # Holm 1979: the smallest times 4, the next times 3, …, none below one before it.
    assert holm(0.01, 0.04, 0.03, 0.005) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(0.5, 0.6) == [1.0, 1.0]
    assert holm(0.02) == [0.02]
    assert holm(None, 0.02, None) == [None, 0.02, None]
    assert holm() == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_a_corrected_p_lies_between_the_pairs_own_and_bonferroni_s(p_values: list[float]) -> None:
    for alone, together in zip(p_values, holm(*p_values), strict=True):
        assert together is not None
        assert alone <= together <= min(1, alone * len(p_values) * (1 + 1e-12))


def test_a_difference_is_resolved_only_beyond_the_control_and_outside_chance() -> None:
    def found(low: float, high: float, n: int = 8, p_holm: float | None = 0.01) -> statistics.Ratio:
        return statistics.Ratio(1.1, low, high, n, 0.001, p_holm)

    assert statistics.unresolved(found(1.05, 1.15), None) == "no A/A control ran beside it"
    assert statistics.unresolved(found(1.05, 1.15), 0.02) == ""
    assert statistics.unresolved(found(1.05, 1.15), 0.12) == (
        "two equal programs (A/A control) may differ by 12.0% too"
    )
    assert statistics.unresolved(found(0.99, 1.15), 0.02) == "the interval holds 1"
    assert statistics.unresolved(found(1.05, 1.15, p_holm=0.06), 0.02) == "Mann-Whitney p = 0.06"
    assert statistics.unresolved(found(1.05, 1.15, 3, None), 0.02) == "n = 3, an interval takes 8"


def test_the_interval_of_the_median_agrees_with_the_exact_bootstrap_distribution() -> None:
    # The median of a resample of nine is the k-th value or less when at least five draws are: a binomial tail.
    nine = [float(value) for value in range(1, 10)]
    tails = [
        sum(math.comb(9, hits) * (k / 9) ** hits * (1 - k / 9) ** (9 - hits) for hits in range(5, 10))
        for k in range(10)
    ]
    exact = (
        float(next(k for k in range(1, 10) if tails[k] >= 0.025)),
        float(next(k for k in range(1, 10) if tails[k] >= 0.975)),
    )
    assert statistics.median_interval(nine) == exact
