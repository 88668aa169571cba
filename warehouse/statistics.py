"""Statistics beyond SQL: intervals and tests over process launches; the seed is fixed, so a rebuild repeats them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

NOISY = 0.10
"""IQR over median from which a result is marked noisy."""
UNRANKABLE = 0.25
"""IQR over median from which a result is kept, but never ranked."""
LEAST_LAUNCHES = 8
"""Below this many launches no interval and no test is given."""
SEED = 2018
_RESAMPLES = 10_000
_LEVEL = 95.0
Interval = tuple[float, float]
Values = Sequence[float]


@dataclass(frozen=True)
class Ratio:
    """How many times `a` is `b`: median over median; low and high are an interval from n >= 8, else the range.

    n is the smaller number of launches; `p_value` is Mann-Whitney's, None below 8.
    """

    ratio: float
    low: float
    high: float
    n: int
    p_value: float | None


def spread(values: Values) -> float:
    """Return the interquartile range over the median, the quartiles by linear interpolation; 0 for one value.

    Raises:
        ValueError: without values.
    """
    low, median, high = np.percentile(_array(values), (25, 50, 75))
    if high == low:
        return 0.0
    return float((high - low) / abs(median)) if median else float("inf")


def median_interval(values: Values, *, seed: int = SEED) -> Interval | None:
    """Return the 95 % bootstrap interval of the median over launches, or None below n = 8."""
    if len(values) < LEAST_LAUNCHES:
        return None
    return _middle(_medians(_array(values), np.random.default_rng(seed)))


def ratio_interval(a: Values, b: Values, *, seed: int = SEED) -> Interval | None:
    """Return the 95 % bootstrap interval of median(a) / median(b), both resampled; None below 8 on either side."""
    if min(len(a), len(b)) < LEAST_LAUNCHES:
        return None
    generator = np.random.default_rng(seed)
    return _middle(_medians(_array(a), generator) / _medians(_array(b), generator))


def ratio_range(a: Values, b: Values) -> Interval:
    """Return the smallest and the largest quotient of any launch of `a` and any launch of `b`; values are positive."""
    return min(a) / max(b), max(a) / min(b)


def mann_whitney(a: Values, b: Values) -> float | None:
    """Return the two-sided p-value of Mann-Whitney's U, or None below 8 launches on either side."""
    if min(len(a), len(b)) < LEAST_LAUNCHES:
        return None
    from scipy.stats import mannwhitneyu

    return float(mannwhitneyu(a, b, alternative="two-sided").pvalue)


def compare(a: Values, b: Values, *, seed: int = SEED) -> Ratio:
    """Return the ratio of two results' medians with its interval or range and its p-value; values are positive."""
    low, high = ratio_interval(a, b, seed=seed) or ratio_range(a, b)
    ratio = float(np.median(_array(a)) / np.median(_array(b)))
    return Ratio(ratio, low, high, min(len(a), len(b)), mann_whitney(a, b))


def _array(values: Values) -> npt.NDArray[np.float64]:
    if not len(values):
        raise ValueError("no values")
    return np.asarray(values, np.float64)


def _medians(values: npt.NDArray[np.float64], generator: np.random.Generator) -> npt.NDArray[np.float64]:
    drawn = generator.integers(0, len(values), (_RESAMPLES, len(values)))
    return np.median(values[drawn], axis=1)


def _middle(draws: npt.NDArray[np.float64]) -> Interval:
    tail = (100.0 - _LEVEL) / 2
    low, high = np.percentile(draws, (tail, 100.0 - tail))
    return float(low), float(high)
