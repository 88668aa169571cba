"""The repositories of the world's GitHub: what stars they got when, under which name, and how they go on.

Every repository of the shipped registry has a generated, repeatable series that ends at the world's day. The recorded
repository zaghaghi/toolog has its recorded weeks; its birthday, 2026-08-31, is our choice, in the older of the two
recorded weeks, so that they are its whole life at the moment of the recording; later weeks, which nobody recorded,
have no stars. The days on which repositories were renamed are our choice too.
"""

from __future__ import annotations

import itertools
import json
import math
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from warehouse.registry import Framework

PACIFIC = ZoneInfo("America/Los_Angeles")
# Observed on 2026-08-22 where known, else invented: only the shape matters.
TOTALS = {
    "keras-team/keras": 64_244, "pytorch/pytorch": 102_530, "tensorflow/tensorflow": 197_213,
    "apache/mxnet": 20_809, "BVLC/caffe": 34_560, "PaddlePaddle/Paddle": 24_058, "jax-ml/jax": 35_000,
    "microsoft/CNTK": 17_500, "Theano/Theano": 9_900, "torch/torch7": 9_000, "chainer/chainer": 5_900,
}  # fmt: skip
# GitHub opened in 2008; no repository is older than this.
OLDEST = date(2009, 1, 4)
# The first day on which the name was no longer in use.
GIVEN_UP = {
    "fchollet/keras": date(2017, 9, 1), "google/jax": date(2024, 10, 1), "baidu/paddle": date(2017, 3, 1),
    "dmlc/mxnet": date(2017, 8, 1), "apache/incubator-mxnet": date(2022, 10, 1), "Microsoft/CNTK": date(2019, 5, 1),
    "pfnet/chainer": date(2017, 6, 1),
}  # fmt: skip
# Of the stars given by then, the share kept until today.
_KEPT = ((date(2012, 1, 1), 0.88), (date(2018, 6, 30), 0.90), (date(2020, 7, 1), 0.93), (date(2024, 7, 1), 0.98),
         (date(2026, 7, 1), 1.0))  # fmt: skip


@dataclass
class Repo:
    """One repository's truth: stars gained by US-Pacific day, net of those taken back.

    A test may edit `days`, put an own dict in its place, or write days to come: they show when the clock gets there.
    What was given at the time stays known in `given`: stars taken back later were observed, and were events, all the
    same. `born_as` is the name it had when the world began; `eras` holds former names, each with the first day on
    which it was no longer in use.
    """

    id: int
    full_name: str
    former: tuple[str, ...]
    created_on: date
    days: dict[date, int]
    archived: bool = False
    eras: tuple[tuple[str, date], ...] = ()
    given: dict[date, int] = field(default_factory=dict)
    born_as: str = ""
    _grown: dict[date, int] | None = None

    def __post_init__(self) -> None:
        self.given = self.given or dict(self.days)
        self.born_as = self.born_as or self.full_name

    def stars(self, today: date = date.max) -> int:
        """Return the count that the repository's page shows on a day."""
        return sum(stars for day, stars in tuple(self.days.items()) if day <= today)

    def name_on(self, day: date) -> str:
        """Return the name that the repository had on a day."""
        return next((name for name, until in self.eras if day < until), self.full_name)

    def rename(self, new_name: str, day: date) -> None:
        """Give it another name from `day` on."""
        self.former, self.eras = (*self.former, self.full_name), (*self.eras, (self.full_name, day))
        self.full_name = new_name

    def grow(self, until: date) -> None:
        """Go on to `until` as in the last four weeks before; a repository whose days a test replaced stays as it is."""
        if self._grown is not self.days or not self.given:
            return
        last = max(self.given)
        recent = sum(self.given.get(last - timedelta(days=n), 0) for n in range(28))
        for n in range(1, (until - last).days + 1):
            stars = recent * n // 28 - recent * (n - 1) // 28
            self.given[last + timedelta(days=n)] = stars
            self.days.setdefault(last + timedelta(days=n), stars)


def load(frameworks: Iterable[Framework], recorded: Path, now: datetime) -> list[Repo]:
    """Return the registry's repositories, generated, and the recorded one, up to `now` (UTC without zone)."""
    return [*(_generated(one, now) for one in frameworks if one.repositories), _recorded(recorded)]


def kept(day: date) -> float:
    """Return the share of the stars given by `day` that is kept until today, as SOURCES §1.6 measured it."""
    if day <= _KEPT[0][0]:
        return _KEPT[0][1]
    for (before, low), (after, high) in itertools.pairwise(_KEPT):
        if day <= after:
            return low + (high - low) * (day - before) / (after - before)
    return _KEPT[-1][1]


def pacific_today(now: datetime) -> date:
    """Return the US-Pacific day of a UTC instant without zone."""
    return now.replace(tzinfo=UTC).astimezone(PACIFIC).date()


def sunday(day: date) -> date:
    """Return the Sunday that begins the day's week."""
    return day - timedelta(days=(day.weekday() + 1) % 7)


def _generated(framework: Framework, now: datetime) -> Repo:
    repository = framework.repositories[0]
    first = max(OLDEST, framework.first_released_on)
    days = dict(_series(repository.name, first, pacific_today(now)))
    former = tuple(name for name in repository.formerly if name.lower() != repository.name.lower())
    eras = tuple((name, GIVEN_UP[name]) for name in repository.formerly if name in GIVEN_UP)
    archived = framework.status == "archived"
    seed = zlib.crc32(repository.name.encode())
    return Repo(seed, repository.name, former, first, days, archived, eras, _grown=days)


@cache
def _series(name: str, first: date, today: date) -> dict[date, int]:
    """A repeatable S-shaped series: slow start, rise over four years, weekday pattern, no randomness."""
    seed = zlib.crc32(name.encode())
    weights = [
        (0.02 + 1 / (1 + math.exp((n - 1500) / 400)) - 1 / (1 + math.exp((n - 300) / 200)) * 0.8)
        * (1 + ((n * 2654435761 + seed) % 97) / 97)
        * (0.6 if (first + timedelta(days=n)).weekday() >= 5 else 1.0)
        for n in range((today - first).days + 1)
    ]
    total, whole = TOTALS.get(name, 5_000), sum(weights)
    days, passed, given = {}, 0.0, 0
    for n, weight in enumerate(weights):
        passed += weight
        upto = round(total * passed / whole)
        days[first + timedelta(days=n)], given = upto - given, upto
    return days


def _recorded(path: Path) -> Repo:
    weeks = json.loads(path.read_text("utf-8"))["body"]
    days = {
        datetime.fromtimestamp(entry["week"], UTC).date() + timedelta(days=offset): stars
        for entry in weeks
        for offset, stars in enumerate(entry["days"])
    }
    return Repo(1_050_000_001, "zaghaghi/toolog", (), date(2026, 8, 31), days)
