"""What dbt's Python model says of the launches of one benchmark configuration."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from warehouse.statistics import NOISY, UNRANKABLE, median_interval, spread


def summarise(values: Sequence[float]) -> dict[str, float | bool | None]:
    """Return n, median, quartiles, the bootstrap interval of the median (None below n = 8) and the noise flags."""
    low, high = median_interval(values) or (None, None)
    q1, median, q3 = (float(value) for value in np.quantile(values, [0.25, 0.5, 0.75]))
    return {
        "n": len(values),
        "median": median,
        "q1": q1,
        "q3": q3,
        "ci_low": low,
        "ci_high": high,
        "noisy": spread(values) >= NOISY,
        "rankable": spread(values) < UNRANKABLE,
    }
