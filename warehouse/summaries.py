"""What the dbt Python models say of a set of benchmark values: spread of one engine, ratio of two."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def summarise(values: Sequence[float]) -> dict[str, float | bool | None]:
    """Return n, median, quartiles, the bootstrap interval of the median (None below n = 8) and the noise flags."""
    from warehouse import statistics

    low, high = statistics.median_interval(values) or (None, None)
    spread = statistics.spread(values)
    q1, median, q3 = (float(value) for value in np.quantile(values, [0.25, 0.5, 0.75]))
    return {
        "n": len(values),
        "median": median,
        "q1": q1,
        "q3": q3,
        "ci_low": low,
        "ci_high": high,
        "noisy": spread >= statistics.NOISY,
        "rankable": spread < statistics.UNRANKABLE,
    }


def compare(a: Sequence[float], b: Sequence[float]) -> dict[str, float | int | None]:
    """Return the ratio of medians a / b with its bounds, n of the smaller side, and Mann-Whitney's p."""
    from warehouse import statistics

    low, high = statistics.ratio_interval(a, b)
    return {
        "ratio": float(np.median(a) / np.median(b)),
        "low": low,
        "high": high,
        "n": min(len(a), len(b)),
        "p_value": statistics.mann_whitney(a, b),
    }
