"""Time to accuracy over seeds: a target that all compared engines reach, and how long each takes. Pure functions."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Curve = Sequence[tuple[float, float]]
"""One seed's learning: for each epoch in order, seconds of training so far and accuracy on unseen images (0..1)."""
TARGET_EPOCH = 10
FEWEST_TO_TRIM = 5


@dataclass(frozen=True)
class TimeToAccuracy:
    """How long one engine takes to a target, over its seeds.

    `seconds`, `low` and `high` are mean, least and most over `n` seeds: all of them, from FEWEST_TO_TRIM on without
    the fastest and the slowest; `kept` are their seconds. A seed that never reaches the target counts as the slowest;
    where such a one is among the `n`, the three are None and nothing is kept. `reached` maps each seed to (epoch from
    1, seconds), or to None.
    """

    target: float
    seconds: float | None
    low: float | None
    high: float | None
    n: int
    kept: tuple[float, ...]
    reached: Mapping[int, tuple[int, float] | None]

    @property
    def never(self) -> list[int]:
        """The seeds that did not reach the target, in order: to be told beside every time."""
        return sorted(seed for seed, when in self.reached.items() if when is None)

    @property
    def epochs(self) -> float | None:
        """The median number of epochs to the target; None when half of the seeds or more never reach it."""
        counts = [math.inf if when is None else when[0] for when in self.reached.values()]
        median = statistics.median(counts)
        return median if math.isfinite(median) else None


def target_accuracy(engines: Iterable[Mapping[int, Curve]], *, epoch: int = TARGET_EPOCH) -> float:
    """Return the accuracy (0..1, a whole percent) by which the engines to compare are timed.

    `engines` holds one mapping of seed to curve for each of them: one data set, track, batch size and device. For
    each, the level that 9 of 10 seeds reach by the end of `epoch` (of n seeds all but a tenth, rounded down: all of
    nine and fewer); the lowest of these levels, rounded down to a whole percent.

    Raises:
        ValueError: no engine, an engine without seeds, or a seed without epochs.
    """
    levels = [_level(curves, epoch) for curves in engines]
    if not levels:
        raise ValueError("no engine's curves")
    # A level such as 0.57 is 56.99999999999999 hundredths in binary.
    return math.floor(round(min(levels) * 100, 9)) / 100


def time_to_accuracy(curves: Mapping[int, Curve], target: float) -> TimeToAccuracy:
    """Return how long one engine's seeds train until an epoch ends at `target` or above; see TimeToAccuracy.

    Nothing is interpolated: accuracy is known at the ends of epochs only.

    Raises:
        ValueError: no seed, or a seed without epochs.
    """
    _check(curves)
    reached = {seed: _first(curve, target) for seed, curve in sorted(curves.items())}
    times = sorted(math.inf if when is None else when[1] for when in reached.values())
    kept = times[1:-1] if len(times) >= FEWEST_TO_TRIM else times
    if math.isinf(kept[-1]):
        return TimeToAccuracy(target, None, None, None, len(kept), (), reached)
    return TimeToAccuracy(target, statistics.fmean(kept), kept[0], kept[-1], len(kept), tuple(kept), reached)


def _level(curves: Mapping[int, Curve], epoch: int) -> float:
    _check(curves)
    best = sorted((max(accuracy for _, accuracy in curve[:epoch]) for curve in curves.values()), reverse=True)
    return best[len(best) - len(best) // 10 - 1]


def _first(curve: Curve, target: float) -> tuple[int, float] | None:
    ends = ((number, seconds) for number, (seconds, accuracy) in enumerate(curve, 1) if accuracy >= target)
    return next(ends, None)


def _check(curves: Mapping[int, Curve]) -> None:
    if not curves:
        raise ValueError("an engine without a learning curve")
    for seed, curve in curves.items():
        if not curve:
            raise ValueError(f"seed {seed} has no epochs")
