"""EvanLi/Github-Ranking's file of a day: the counts that its pages showed then. Pure: bytes in, typed rows out."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from warehouse.parse import fields
from warehouse.parse.tables import Rejected, Row
from warehouse.raw import Response

# The columns that facts are read from.
COLUMNS = ("repo_url", "stars", "forks", "issues")
# The subject of the collector's note of days that have no file.
MISSING = "missing"
# The key of `params` by which the collector says what was wrong with a file before it cut columns out of it.
DAMAGED = "damaged"
# The key of `params` that lists the repositories, in lower case, whose lines were kept of a file.
NAMES = "names"
# One repository stands in several lists of a file, read off minutes apart.
MOST_DRIFT = 0.01
_LIKE = "like 2018-12-18"
_REPO_URL = re.compile(r"https?://github\.com/([A-Za-z0-9._-]+/[A-Za-z0-9._-]+)/?")


@dataclass(frozen=True)
class Line:
    """A repository in one of the day's lists."""

    full_name: str
    stars: int
    forks: int
    open_issues: int


def parse(response: Response) -> Iterator[Row]:
    """Yield one `ranking_days` row, and a `ranked_repos` row for each repository that was kept: its first line counts.

    A 404 alone tells nothing: a wrong address gives it too. The collector's note MISSING says of which days there is
    no file, once another day's file came from the same address; `repositories` is NULL then.

    Raises:
        Rejected: the answer is neither such a file nor a 404.
    """
    origin = fields.origin(response)
    if response.subject == MISSING:
        for day in _missing(response):
            yield "ranking_days", {**origin, "day": day, "is_missing": True, "repositories": None}
    elif response.status not in (None, 404):
        yield from _file(response, {**origin, "day": fields.day(response.params.get("day"), _LIKE)})


def _file(response: Response, origin: dict[str, Any]) -> Iterator[Row]:
    if response.status != 200:
        raise Rejected(f"status {response.status}")
    repositories: dict[str, Line] = {}
    for line in read(response):
        repositories.setdefault(line.full_name, line)
    yield "ranking_days", {**origin, "is_missing": False, "repositories": len(repositories)}
    for line in repositories.values():
        yield "ranked_repos", {**origin, **vars(line)}


def read(response: Response) -> list[Line]:
    """Return all lines of a file, also those that repeat a repository; raises Rejected."""
    if damage := response.params.get(DAMAGED):
        raise Rejected(damage)
    try:
        rows = csv.reader(io.StringIO(response.body.decode("utf-8-sig"), newline=""), strict=True)
        header = next(rows, [])
        missing = [column for column in COLUMNS if column not in header]
        if missing:
            raise Rejected(f"not a ranking: its first line has no column {missing[0]}")
        lines = [_line(dict(zip(header, _whole(row, header, rows.line_num), strict=True))) for row in rows if row]
    except UnicodeDecodeError:
        raise Rejected("not a ranking: it is not UTF-8") from None
    except csv.Error as error:
        raise Rejected(f"not a whole CSV file: {error}") from None
    if not lines and NAMES not in response.params:
        raise Rejected("the ranking is empty")
    return lines


def conflicts(response: Response) -> list[str]:
    """Return the repositories whose star counts within a file lie further apart than MOST_DRIFT; raises Rejected."""
    counts: dict[str, list[int]] = {}
    for line in read(response):
        counts.setdefault(line.full_name, []).append(line.stars)
    return [name for name, stars in counts.items() if max(stars) - min(stars) > MOST_DRIFT * max(stars)]


def _missing(response: Response) -> list[date]:
    try:
        return [fields.day(day, _LIKE) for day in response.json()["days"]]
    except (KeyError, RecursionError, TypeError, ValueError) as error:
        raise Rejected(f"the note of missing days is malformed: {error}") from None


def _whole(row: list[str], header: list[str], number: int) -> list[str]:
    if len(row) != len(header):
        raise Rejected(f"line {number} has {len(row)} of {len(header)} columns")
    return row


def _line(row: dict[str, Any]) -> Line:
    # `repo_name` is the name without its owner; the address tells both.
    name = repository_at(row["repo_url"])
    return Line(name, *(_count(row[column], column, name) for column in ("stars", "forks", "issues")))


def repository_at(address: str) -> str:
    """Return the full name of the repository at an address; raises Rejected."""
    found = _REPO_URL.fullmatch(address)
    if not found:
        raise Rejected(f"repo_url {address[:100]!r} is no repository's address")
    return found[1]


def _count(text: str, column: str, name: str) -> int:
    told = fields.digits(text)
    if told is None:
        raise Rejected(f"{column} {text[:30]!r} of {name} is not a count")
    return told
