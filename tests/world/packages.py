"""Invented downloads of packages by day, the same for every source that counts them.

A package's downloads rise from its framework's first release on, with a weekday pattern; before 2018-07-26 the index
recorded about a tenth of them, as SOURCES §5 tells.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Iterable
from datetime import date
from functools import cache

from warehouse.registry import Framework

# Downloads on a working day at their height; others reach 900.
LEVELS = {
    "tensorflow": 620_000, "torch": 1_900_000, "keras": 410_000, "jax": 260_000, "tensorflow-cpu": 40_000,
    "tensorflow-gpu": 30_000, "tf-nightly": 25_000, "theano": 9_000, "mxnet": 6_000, "chainer": 1_200,
    "paddlepaddle": 7_500, "cntk": 60,
}  # fmt: skip
COUNTED_WHOLE_FROM = date(2018, 7, 26)
MIRRORS = 1.03


class Packages:
    """The index: `first` holds each known package with its first day; a test may add to it."""

    def __init__(self, frameworks: Iterable[Framework]) -> None:
        self.first = {name: framework.first_released_on for framework in frameworks for name in framework.pypi}

    def downloads(self, package: str, day: date, mirrors: bool = True) -> int | None:
        """Return a day's downloads, None where the index knows nothing of the package or it did not exist yet."""
        first = self.first.get(normal(package))
        if first is None or day < first:
            return None
        return round(_downloads(normal(package), first, day) * (MIRRORS if mirrors else 1.0))


def normal(package: str) -> str:
    """Return a package's name as the index writes it."""
    return re.sub(r"[-_.]+", "-", package).lower()


@cache
def _downloads(package: str, first: date, day: date) -> int:
    level = LEVELS.get(package, 900) * (0.02 + 1 / (1 + math.exp((date(2022, 6, 1) - day).days / 500)))
    weekday = 0.55 if day.weekday() >= 5 else 1.0
    noise = 0.9 + (zlib.crc32(f"{package} {day}".encode()) % 200) / 1_000
    return max(1, round(level * weekday * noise * (0.1 if day < COUNTED_WHOLE_FROM else 1.0)))
