"""EvanLi/Github-Ranking's daily files: two as recorded, the others generated in their form, a few days missing.

Generated rows say so in their description. A generated count is what the page showed on that day: the stars given by
then, less those already taken back. Lines end as in the recorded file before (2018: CR LF) and after 2022 (LF).
"""

from __future__ import annotations

import csv
import io
import re
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

from tests.world.github import GitHub
from tests.world.refusals import raw_github
from tests.world.reply import Reply, Request, as_text
from tests.world.repos import Repo, kept

FIRST = date(2018, 12, 18)
RECORDED = (FIRST, date(2026, 8, 22))
MISSING = frozenset(
    map(date.fromisoformat, ("2019-02-14", "2020-08-31", "2021-06-01", "2021-06-02", "2023-10-19", "2025-12-31"))
)
COLUMNS = ["rank", "item", "repo_name", "stars", "forks", "language", "repo_url", "username", "issues", "last_commit",
           "description"]  # fmt: skip
# The lists in which the recorded files show the registry's repositories, and the language that they state.
LISTS = {
    "tensorflow/tensorflow": (("top-100-stars", "top-100-forks", "CPP"), "C++"),
    "keras-team/keras": (("top-100-stars", "top-100-forks", "Python"), "Python"),
    "pytorch/pytorch": (("top-100-forks", "Python"), "Python"),
    "BVLC/caffe": (("CPP",), "C++"),
    "apache/mxnet": (("CPP",), "C++"),
    "microsoft/CNTK": (("CPP",), "C++"),
    "PaddlePaddle/Paddle": (("CPP",), "C++"),
    "torch/torch7": (("C",), "C"),
    "Theano/Theano": (("Python",), "Python"),
}
# These fell out of their lists, Torch as in the recorded archive, the others at days of our choice.
LEFT = {"torch/torch7": date(2024, 2, 1), "Theano/Theano": date(2020, 3, 1), "microsoft/CNTK": date(2024, 3, 1)}
_FILE = re.compile(r"/github-ranking-(\d{4}-\d\d-\d\d)\.csv")


class Ranking:
    """Files from 2018-12-18 to the world's day (`now`, UTC without zone); GitHub's repositories stand in them."""

    def __init__(self, now: datetime, github: GitHub, recorded: Path) -> None:
        self.now, self.github, self.recorded = now, github, recorded
        self._files: dict[date, bytes] = {}

    def at(self, now: datetime) -> None:
        """Move the clock."""
        self.now = now

    def reply(self, request: Request) -> Reply:
        """Answer GET."""
        match = _FILE.fullmatch(request.path)
        day = date.fromisoformat(match[1]) if match else None
        if day is None or not FIRST <= day <= self.now.date() or day in MISSING:
            return raw_github(404)
        if day not in self._files:
            self._files[day] = self._file(day)
        return as_text(200, self._files[day].decode())

    def truth(self, day: date) -> dict[str, int]:
        """Return the stars of the registry's repositories in a day's file, by the name they had; {} without a file."""
        reply = self.reply(Request(f"/github-ranking-{day}.csv", {}, {}))
        if reply.status != 200:
            return {}
        ours = {name for repo in self.github.repos for name in (repo.full_name, *repo.former, *dict(repo.eras))}
        rows = csv.DictReader(io.StringIO(reply.body.decode(), newline=""))
        names = {row["repo_url"].removeprefix("https://github.com/"): int(row["stars"]) for row in rows}
        return {name: stars for name, stars in names.items() if name in ours}

    def _file(self, day: date) -> bytes:
        if day in RECORDED:
            return (self.recorded / f"github-ranking-{day}.csv").read_bytes()
        lists: dict[str, list[list[str]]] = {}
        for repo in self.github.repos:
            shown, language = LISTS.get(repo.born_as, ((), ""))
            for item in shown if day < LEFT.get(repo.born_as, date.max) else ():
                name, stars = repo.name_on(day), observed(repo, day)
                lists.setdefault(item, []).append(_row(item, name, stars, language, day, "Generated"))
        for item, rows in lists.items():
            rows += [_filler(item, number, day) for number in range(12)]
            rows.sort(key=lambda row: -int(row[4 if item == "top-100-forks" else 3]))
        ranked = [[str(rank), *row[1:]] for rows in lists.values() for rank, row in enumerate(rows, 1)]
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\r\n" if day.year < 2022 else "\n").writerows([COLUMNS, *ranked])
        return text.getvalue().encode()


def observed(repo: Repo, day: date) -> int:
    """Return the count that the repository's page showed on a day."""
    upto = sum(stars for given_on, stars in tuple(repo.given.items()) if given_on <= day)
    return round(upto / _kept(day))


def _filler(item: str, number: int, day: date) -> list[str]:
    stars = 1_000 + 9_000 * number + (day - FIRST).days
    told = ('Generated filler, with "quotes", commas', "Generated filler \N{ROCKET} \u6df1\u5ea6\u5b66\u4e60", "")
    return _row(
        item, f"filler-{number}/keras" if number == 3 else f"filler-{number}/thing", stars, "", day, told[number % 3]
    )


def _row(item: str, name: str, stars: int, language: str, day: date, description: str) -> list[str]:
    owner, _, repo_name = name.partition("/")
    commit = f"{day - timedelta(days=stars % 9)}T08:00:00Z"
    return ["", item, repo_name, str(stars), str(stars // 3), language, f"https://github.com/{name}", owner,
            str(stars % 999), commit, description]  # fmt: skip


_kept = cache(kept)
