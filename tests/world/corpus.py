"""The papers of the world's arXiv: the recorded ones (2014 to 2017), and generated ones from 2018 on, marked as such.

Of the recorded papers only the day of submission is known. The generated ones are the same on every machine: what a
month holds depends on the month alone.
"""

from __future__ import annotations

import calendar
import gzip
import json
import math
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

CATEGORIES = ("cs.LG", "cs.CV", "cs.CL", "cs.AI", "cs.NE", "stat.ML")
GENERATED_FROM = date(2018, 1, 1)
# Far above the numbers that recorded papers have, below those of the invented background.
FIRST_NUMBER = 80_000
# Framework as the papers write it: papers a month at its best, the year of that, and the years it took to get there.
# A framework still rising has its best year ahead.
FASHIONS = {
    "TensorFlow": (26, 2019.4, 2.6),
    "Keras": (16, 2020.2, 2.8),
    "PyTorch": (42, 2025.5, 4.2),
    "JAX": (16, 2028.0, 3.4),
    "PaddlePaddle": (4, 2023.0, 3.0),
    "MXNet": (4, 2018.6, 1.8),
    "Caffe": (9, 2016.5, 1.8),
    "Theano": (5, 2016.0, 1.8),
    "Torch7": (3, 2016.0, 1.6),
    "Chainer": (3, 2018.2, 1.5),
    "CNTK": (2, 2017.5, 1.3),
}
TOPICS = ("image segmentation", "neural translation", "graph learning", "speech synthesis", "time series forecasting")


@dataclass(frozen=True)
class Paper:
    """One paper of the corpus."""

    arxiv_id: str
    submitted_on: date
    categories: tuple[str, ...]
    title: str
    abstract: str

    def names(self, field: str, phrase: str) -> bool:
        """Whether title (`ti`) or abstract (`abs`) holds the phrase as whole words, in any case."""
        text = self.title if field == "ti" else self.abstract
        return re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", text, re.IGNORECASE) is not None


def recorded(corpus: Path) -> list[Paper]:
    """Return the papers of the recorded file (gzipped JSON lines), each once."""
    with gzip.open(corpus, "rt", encoding="utf-8") as lines:
        # Four papers stand in the data set twice, once with an id that went through floating point.
        found = {paper.arxiv_id: paper for paper in (_recorded(json.loads(line)) for line in lines)}
    return list(found.values())


def _recorded(line: Mapping[str, str]) -> Paper:
    submitted_on = date.fromisoformat(line["created"])
    # 1705.05627 stands there as 1705.0562699999998.
    digits = 5 if line["arxiv_id"] >= "1501" else 4
    identifier = f"{float(line['arxiv_id']):.{digits}f}"
    return Paper(identifier, submitted_on, tuple(line["categories"].split(",")), line["title"], line["abstract"])


def generated(last: date) -> list[Paper]:
    """Return the generated papers submitted up to `last`, that day included; some 40 to 75 a month."""
    months = [date(year, month, 1) for year in range(GENERATED_FROM.year, last.year + 1) for month in range(1, 13)]
    return [paper for month in months if month <= last for paper in _month(month) if paper.submitted_on <= last]


@cache
def _month(month: date) -> tuple[Paper, ...]:
    chance = random.Random(f"papers of {month:%Y-%m}")
    names = [name for name in FASHIONS for _ in range(_papers(name, month, chance))]
    chance.shuffle(names)
    days = calendar.monthrange(month.year, month.month)[1]
    return tuple(
        _paper(month.replace(day=1 + number * days // len(names)), number, name, chance)
        for number, name in enumerate(names)
    )


def _papers(name: str, month: date, chance: random.Random) -> int:
    """Return how many papers of a month name the framework: a bell over the years, a tenth up or down."""
    most, best_year, years = FASHIONS[name]
    distance = (month.year + (month.month - 1) / 12 - best_year) / years
    return round(most * math.exp(-distance * distance) * chance.uniform(0.9, 1.1))


def _paper(day: date, number: int, name: str, chance: random.Random) -> Paper:
    """Return a paper that names the framework in its title, in its abstract, or beside another framework."""
    topic = chance.choice(TOPICS)
    title = f"Generated paper {day:%Y-%m} #{number}: {topic}"
    said = "".join(_sentences(name, topic, chance))
    if chance.random() < 0.3:
        title = f"{title} with {name}"
    categories = dict.fromkeys(chance.choices(CATEGORIES, weights=(6, 5, 4, 3, 1, 2), k=chance.choice((1, 1, 2))))
    return Paper(f"{day:%y%m}.{FIRST_NUMBER + number:05d}", day, tuple(categories), title, said)


def _sentences(name: str, topic: str, chance: random.Random) -> Iterator[str]:
    yield f"This paper was generated for tests. We study {topic}; our code is written in {name}."
    if chance.random() < 0.1:
        yield f" A second version uses {chance.choice([other for other in FASHIONS if other != name])}."
