"""Targets and times to accuracy: values worked out by hand, and what always holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.learningcurves import Curve, TimeToAccuracy, target_accuracy, time_to_accuracy

accuracies = st.lists(st.integers(0, 100).map(lambda percent: percent / 100), min_size=1, max_size=12)
engines = st.dictionaries(st.integers(0, 30), accuracies, min_size=1, max_size=12)


def curve(*accuracies: float, pace: float = 1.0) -> Curve:
    """A curve whose epochs take `pace` seconds each."""
    return [(pace * number, accuracy) for number, accuracy in enumerate(accuracies, 1)]


def finals(*values: float) -> dict[int, Curve]:
    """One seed for each value, reached in its only epoch."""
    return {seed: curve(value) for seed, value in enumerate(values)}


def test_of_ten_seeds_the_worst_does_not_set_the_target() -> None:
    assert target_accuracy([finals(0.30, 0.91, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99)]) == 0.91


def test_of_nine_seeds_the_worst_sets_the_target() -> None:
    assert target_accuracy([finals(0.30, 0.91, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97, 0.98)]) == 0.30


def test_of_twenty_seeds_two_do_not_set_the_target() -> None:
    assert target_accuracy([finals(0.1, 0.2, *[0.5] * 18)]) == 0.5
    assert target_accuracy([finals(0.1, 0.2, 0.3, *[0.5] * 17)]) == 0.3


def test_the_target_is_what_the_weakest_engine_reaches() -> None:
    assert target_accuracy([finals(0.95), finals(0.88), finals(0.91)]) == 0.88


def test_the_target_is_rounded_down_to_a_whole_percent() -> None:
    assert target_accuracy([finals(0.8999)]) == 0.89


def test_a_whole_percent_stays_what_it_is() -> None:
    percents = [percent / 100 for percent in range(101)]
    assert [target_accuracy([finals(percent)]) for percent in percents] == percents


def test_only_the_first_ten_epochs_set_the_target() -> None:
    assert target_accuracy([{0: curve(*[0.5] * 9, 0.6, 0.9)}]) == 0.6
    assert target_accuracy([{0: curve(0.5, 0.9)}], epoch=1) == 0.5


def test_a_level_once_reached_counts_when_it_is_lost_again() -> None:
    assert target_accuracy([{0: curve(0.5, 0.8, 0.7)}]) == 0.8


NOTHING = [
    ([], "no engine's curves"),
    ([{}], "an engine without a learning curve"),
    ([{3: []}], "seed 3 has no epochs"),
]


@pytest.mark.parametrize(("curves", "message"), NOTHING)
def test_a_target_over_nothing_is_refused(curves: list[dict[int, Curve]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        target_accuracy(curves)


def test_a_seed_takes_until_the_end_of_the_first_epoch_at_the_target() -> None:
    found = time_to_accuracy({7: curve(0.5, 0.8, 0.7, 0.9, pace=2.0)}, 0.8)
    assert found == TimeToAccuracy(target=0.8, seconds=4.0, low=4.0, high=4.0, n=1, kept=(4.0,), reached={7: (2, 4.0)})
    assert found.never == []


def test_from_five_seeds_on_the_fastest_and_the_slowest_are_left_out() -> None:
    paces = {0: 1.0, 1: 10.0, 2: 11.0, 3: 15.0, 4: 100.0}
    found = time_to_accuracy({seed: curve(0.9, pace=pace) for seed, pace in paces.items()}, 0.9)
    assert (found.seconds, found.low, found.high, found.n) == (12.0, 10.0, 15.0, 3)
    assert found.kept == (10.0, 11.0, 15.0)


def test_below_five_seeds_none_is_left_out() -> None:
    paces = {0: 1.0, 1: 10.0, 2: 10.0, 3: 99.0}
    found = time_to_accuracy({seed: curve(0.9, pace=pace) for seed, pace in paces.items()}, 0.9)
    assert (found.seconds, found.low, found.high, found.n) == (30.0, 1.0, 99.0, 4)


def test_a_seed_that_never_gets_there_counts_as_the_slowest_and_is_told() -> None:
    curves = {seed: curve(0.9, pace=pace) for seed, pace in enumerate((1.0, 10.0, 11.0, 15.0))}
    found = time_to_accuracy({**curves, 4: curve(0.2)}, 0.9)
    assert (found.seconds, found.n, found.never) == (12.0, 3, [4])
    assert found.reached[4] is None


def test_a_second_seed_that_never_gets_there_leaves_no_time() -> None:
    curves = {seed: curve(0.9) for seed in range(4)}
    found = time_to_accuracy({**curves, 4: curve(0.2), 5: curve(0.2)}, 0.9)
    assert (found.seconds, found.low, found.high, found.n, found.never) == (None, None, None, 4, [4, 5])


def test_below_five_seeds_one_that_never_gets_there_leaves_no_time() -> None:
    found = time_to_accuracy({0: curve(0.9), 1: curve(0.2)}, 0.9)
    assert (found.seconds, found.n, found.never) == (None, 2, [1])


def test_epochs_to_the_target_are_the_median_over_seeds() -> None:
    assert time_to_accuracy({0: curve(0.9), 1: curve(0, 0.9), 2: curve(0, 0, 0, 0.9)}, 0.9).epochs == 2
    assert time_to_accuracy({0: curve(0.9), 1: curve(0), 2: curve(0)}, 0.9).epochs is None


@pytest.mark.parametrize(
    ("curves", "message"), [({}, "an engine without a learning curve"), ({3: []}, "seed 3 has no epochs")]
)
def test_a_time_over_nothing_is_refused(curves: dict[int, Curve], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        time_to_accuracy(curves, 0.5)


@given(engines)
def test_nine_of_ten_seeds_reach_the_target_of_their_own_engine(values: dict[int, list[float]]) -> None:
    curves = {seed: curve(*of_seed) for seed, of_seed in values.items()}
    never = time_to_accuracy(curves, target_accuracy([curves], epoch=12)).never
    assert len(never) <= len(curves) // 10


@given(engines, st.integers(0, 100))
def test_every_seed_is_told(values: dict[int, list[float]], percent: int) -> None:
    curves = {seed: curve(*of_seed) for seed, of_seed in values.items()}
    assert sorted(time_to_accuracy(curves, percent / 100).reached) == sorted(curves)


@given(engines, st.integers(0, 99))
def test_a_higher_target_never_takes_less_time(values: dict[int, list[float]], percent: int) -> None:
    curves = {seed: curve(*of_seed) for seed, of_seed in values.items()}
    low, high = (time_to_accuracy(curves, level / 100) for level in (percent, percent + 1))
    assert high.seconds is None or (low.seconds is not None and low.seconds <= high.seconds)
