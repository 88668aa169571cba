"""Where a budget's time goes, on values written out."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.budget import Budget, relative_interval, widest
from bench.protocol import QUICK

STEADY, LOOSE = [100.0, 101.0, 102.0], [80.0, 100.0, 120.0]
SECONDS = {"steady": 5.0, "loose": 5.0, "dear": 50.0}


def test_the_relative_interval_is_that_of_the_medians_notches() -> None:
    # Quartiles 90 and 110, so 2 x 1.57 x 20 / sqrt(3) / 100.
    assert relative_interval(LOOSE) == pytest.approx(0.36257, abs=1e-5)
    assert relative_interval([100.0]) == inf
    assert relative_interval([100.0, 100.0]) == 0.0


def test_time_goes_to_the_widest_interval() -> None:
    assert widest({"steady": STEADY, "loose": LOOSE}, SECONDS, 60.0, None) == "loose"


def test_nobody_is_launched_twice_in_a_row_unless_alone() -> None:
    assert widest({"steady": STEADY, "loose": LOOSE}, SECONDS, 60.0, "loose") == "steady"
    assert widest({"loose": LOOSE}, SECONDS, 60.0, "loose") == "loose"


def test_a_launch_that_would_not_end_in_time_is_not_begun() -> None:
    assert widest({"steady": STEADY, "dear": LOOSE}, SECONDS, 49.9, None) == "steady"
    assert widest({"steady": STEADY, "dear": LOOSE}, SECONDS, 49.9, "steady") is None
    assert widest({"steady": STEADY, "loose": LOOSE}, SECONDS, 4.9, None) is None
    assert widest({}, {}, 60.0, None) is None


def test_of_equal_intervals_the_fewest_launches_come_first() -> None:
    assert widest({"loose": [1.0, 1.0, 1.0], "steady": [2.0, 2.0]}, SECONDS, 60.0, None) == "steady"


def spent(budget_s: float | None, seconds: float, timeout_s: float = 900.0) -> Budget:
    budget = Budget(budget_s, timeout_s)
    budget.add(seconds)
    return budget


def test_a_quick_runs_last_launch_is_ended_before_90_seconds_are_gone() -> None:
    budget = spent(QUICK.budget_s, 80.0, QUICK.timeout_s)
    assert 84.0 < 80.0 + budget.limit() < 87.0


def test_the_grace_is_a_share_of_the_budget_and_a_minute_at_most() -> None:
    assert spent(300.0, 300.0).limit() == pytest.approx(10.0)
    assert spent(3600.0, 3600.0).limit() == 60.0
    assert spent(7200.0, 7300.0).limit() == 60.0


def test_what_is_done_in_any_case_keeps_its_time_and_leaves_time_for_what_follows() -> None:
    assert spent(84.0, 24.0).limit(least_s=30.0, after_s=16.0) == pytest.approx(60.0 + 2.8 - 16.0, abs=0.1)
    assert spent(84.0, 84.0).limit(least_s=30.0, after_s=16.0) == 30.0


def test_no_launch_has_more_than_its_time_out() -> None:
    assert spent(None, 1e6).limit() == 900.0
    assert spent(3600.0, 0.0).limit(least_s=1e6) == 900.0


@given(st.lists(st.floats(1.0, 1e6), min_size=3, max_size=20), st.floats(0.1, 10.0))
def test_the_relative_interval_knows_no_unit(values: list[float], factor: float) -> None:
    scaled = [value * factor for value in values]
    assert relative_interval(scaled) == pytest.approx(relative_interval(values), rel=1e-6, abs=1e-9)
