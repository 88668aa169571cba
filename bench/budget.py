"""What a run's budget of time allows, and where its next launch goes: to the contestant that is known least well."""

from __future__ import annotations

import time
from collections.abc import Hashable, Mapping, Sequence
from math import inf, sqrt
from typing import TypeVar

import numpy as np

PATIENCE = 15
"""What takes so many times as long as expected is taken to hang. Less is slowness: PyTorch's launches, whose threads
spin while they wait for a processor, took seven times as long on a machine where others were at work."""
# What a launch that began in time may take beyond the budget's end: this share of it (3 s of --quick's), or a minute.
_GRACE_SHARE = 1 / 30
_GRACE_S = 60.0
_NOTCH = 1.57
Key = TypeVar("Key", bound=Hashable)


class Budget:
    """The clock of a run and what is left of its seconds; without `budget_s` there is no end of them."""

    def __init__(self, budget_s: float | None, timeout_s: float) -> None:
        self._most_s, self._timeout_s = inf if budget_s is None else budget_s, timeout_s
        self._grace_s = min(_GRACE_S, self._most_s * _GRACE_SHARE)
        self._began = time.monotonic()

    def add(self, seconds: float) -> None:
        """Count what an earlier process of the same run has spent."""
        self._began -= seconds

    @property
    def elapsed_s(self) -> float:
        """What is spent."""
        return time.monotonic() - self._began

    @property
    def left_s(self) -> float:
        """What is left, 0 at least."""
        return max(0.0, self._most_s - self.elapsed_s)

    def fits(self, seconds: float) -> bool:
        """Tell whether something ends in time that is expected to take so long."""
        return self.elapsed_s + seconds <= self._most_s

    def limit(self, *, least_s: float = 0.0, after_s: float = 0.0) -> float:
        """Return after how many seconds what begins now must end: its time-out, or the budget's end and a little grace.

        `after_s` are kept for what must follow it. What is done in any case has `least_s`, whatever is left.
        """
        return min(self._timeout_s, max(self.left_s + self._grace_s - after_s, least_s))


def relative_interval(values: Sequence[float]) -> float:
    """Return the width of the median's 95 % interval over the median; infinite below two values.

    The width is that of a box plot's notches, 2 x 1.57 x IQR / sqrt(n) (McGill, Tukey and Larsen 1978): unlike a
    bootstrap it says something from two launches on, and unlike a standard error it forgives one bad launch.
    """
    if len(values) < 2:
        return inf
    low, median, high = np.percentile(values, (25, 50, 75))
    return float(2 * _NOTCH * (high - low) / sqrt(len(values)) / median) if median > 0 else inf


def widest(
    values: Mapping[Key, Sequence[float]], seconds: Mapping[Key, float], left_s: float, last: Key | None
) -> Key | None:
    """Return whose launch comes next: the widest relative interval among those that end within `left_s` seconds.

    `values` are the headline metric's by contestant, `seconds` what a launch of each takes, `last` who was launched
    last and waits unless alone. Equal widths: the fewest launches first, then the order given. None when nobody fits.
    """
    fitting = [key for key in values if seconds[key] <= left_s]
    waiting = [key for key in fitting if key != last]
    if not waiting and len(values) > 1:
        return None
    return max(waiting or fitting, key=lambda key: (relative_interval(values[key]), -len(values[key])), default=None)
