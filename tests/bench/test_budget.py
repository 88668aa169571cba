"""Where a budget's time goes, on values written out."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.budget import relative_interval, widest

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


@given(st.lists(st.floats(1.0, 1e6), min_size=3, max_size=20), st.floats(0.1, 10.0))
def test_the_relative_interval_knows_no_unit(values: list[float], factor: float) -> None:
    scaled = [value * factor for value in values]
    assert relative_interval(scaled) == pytest.approx(relative_interval(values), rel=1e-6, abs=1e-9)
