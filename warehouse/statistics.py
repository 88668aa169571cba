"""Statistics beyond SQL: intervals and tests over process launches; the seed is fixed, so a rebuild repeats them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

NOISY = 0.10
"""IQR over median from which a result is marked noisy."""
UNRANKABLE = 0.25
"""IQR over median from which a result is kept, but never ranked."""
LEAST_RANKED = 3
"""Below this many launches a result is never ranked: their spread says nothing."""
NO_CONTROL = "no A/A control ran beside it"
TOO_FEW = f"fewer than {LEAST_RANKED} launches"
LEAST_LAUNCHES = 8
"""Below this many launches no interval and no test is given."""
SIGNIFICANT = 0.05
"""Mann-Whitney's p, corrected for the number of pairs, from which a difference is not resolved."""
SEED = 2018
_RESAMPLES = 10_000
_LEVEL = 95.0
Interval = tuple[float, float]
Values = Sequence[float]
_Ranks = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Ratio:
    """How many times `a` is `b`: median over median; low and high are an interval from n >= 8, else the range.

    n is the smaller number of launches; `p_value` is Mann-Whitney's of this pair alone, `p_holm` the same corrected for
    all pairs that it was compared among; both None below 8.
    """

    ratio: float
    low: float
    high: float
    n: int
    p_value: float | None
    p_holm: float | None = None


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
    return _middle(_medians(values, seed, "a"))


def ratio_interval(a: Values, b: Values, *, seed: int = SEED) -> Interval | None:
    """Return the 95 % bootstrap interval of median(a) / median(b), both resampled; None below 8 on either side.

    The order of the launches does not matter, and b over a has the interval's inverse.
    """
    if min(len(a), len(b)) < LEAST_LAUNCHES:
        return None
    if sorted(a) > sorted(b):
        low, high = _ratios(b, a, seed)
        return 1 / high, 1 / low
    return _ratios(a, b, seed)


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
    p_value = mann_whitney(a, b)
    return Ratio(ratio, low, high, min(len(a), len(b)), p_value, p_value)


def corrected(family: Sequence[Ratio]) -> list[Ratio]:
    """Return the ratios with `p_holm` corrected for all that have a p-value (Holm 1979, step-down Bonferroni).

    Without it one of twenty pairs of equal programs comes out below 0.05.
    """
    told = sorted((one.p_value, place) for place, one in enumerate(family) if one.p_value is not None)
    found, largest = list(family), 0.0
    for rank, (p_value, place) in enumerate(told):
        largest = max(largest, min(1.0, p_value * (len(told) - rank)))
        found[place] = replace(family[place], p_holm=largest)
    return found


def gap(control: Ratio) -> float:
    """Return by what share two equal programs (the A/A control) may differ here: the far end of its interval or range.

    0.02 for 0.99 to 1.02, and for 1 / 1.02 to 1.01. Not its ratio, which is small now and then by luck.
    """
    return max(control.high, 1 / control.low) - 1


def unresolved(found: Ratio, control_gap: float | None) -> str:
    """Say why a ratio does not show a difference; "" when it does.

    It must have 8 launches, an interval without 1, a corrected p < 0.05, and exceed the A/A control's gap; without a
    control nobody knows what this machine makes of no difference.
    """
    if found.p_holm is None:
        return f"n = {found.n}, an interval takes {LEAST_LAUNCHES}"
    if found.low <= 1 <= found.high:
        return "the interval holds 1"
    if found.p_holm >= SIGNIFICANT:
        return f"Mann-Whitney p = {found.p_holm:.2g}"
    if control_gap is None:
        return NO_CONTROL
    if max(found.ratio, 1 / found.ratio) - 1 <= control_gap:
        return f"two equal programs (A/A control) may differ by {control_gap:.1%} too"
    return ""


def _array(values: Values) -> npt.NDArray[np.float64]:
    if not len(values):
        raise ValueError("no values")
    return np.asarray(values, np.float64)


def _ratios(a: Values, b: Values, seed: int) -> Interval:
    return _middle(_medians(a, seed, "a") / _medians(b, seed, "b"))


def _medians(values: Values, seed: int, side: str) -> npt.NDArray[np.float64]:
    ordered = np.sort(_array(values))
    lower, upper = _middle_ranks(len(ordered), seed, side)
    # Not (x + y) / 2, which may fall outside x and y by rounding where they are equal.
    return ordered[lower] + (ordered[upper] - ordered[lower]) / 2


@lru_cache(maxsize=256)
def _middle_ranks(count: int, seed: int, side: str) -> tuple[_Ranks, _Ranks]:
    """Return, for each resample of `count` sorted values, which two are in its middle (one twice if `count` is odd).

    The draws do not depend on the values: made once, they serve every comparison of so many launches.
    """
    generator = np.random.default_rng((seed, ord(side)))
    drawn = np.sort(generator.integers(0, count, (_RESAMPLES, count)), axis=1)
    return drawn[:, (count - 1) // 2].copy(), drawn[:, count // 2].copy()


def _middle(draws: npt.NDArray[np.float64]) -> Interval:
    tail = (100.0 - _LEVEL) / 2
    low, high = np.percentile(draws, (tail, 100.0 - tail))
    return float(low), float(high)
