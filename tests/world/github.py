"""GitHub as SOURCES describes it: repository records, star history with paging, renames, ETags, budgets, errors.

Every repository of the shipped registry has a generated, repeatable series of stars that ends at `now`. The recorded
repository zaghaghi/toolog serves its recorded weeks; its birthday, 2026-08-31, is our choice, in the older of the two
recorded weeks, so that they are its whole life at the moment of the recording; later weeks, which nobody recorded,
have no stars.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from warehouse.registry import Framework

PACIFIC = ZoneInfo("America/Los_Angeles")
TOKEN = "world-token"
# Observed on 2026-08-22 where known, else invented: only the shape matters.
TOTALS = {
    "keras-team/keras": 64_244, "pytorch/pytorch": 102_530, "tensorflow/tensorflow": 197_213,
    "apache/mxnet": 20_809, "BVLC/caffe": 34_560, "PaddlePaddle/Paddle": 24_058, "jax-ml/jax": 35_000,
    "microsoft/CNTK": 17_500, "Theano/Theano": 9_900, "torch/torch7": 9_000, "chainer/chainer": 5_900,
}  # fmt: skip
# GitHub opened in 2008; no repository is older than this.
OLDEST = date(2009, 1, 4)


@dataclass
class Repo:
    """One repository's truth: stars gained by US-Pacific day, net of those taken back."""

    id: int
    full_name: str
    former: tuple[str, ...]
    created_on: date
    days: dict[date, int]
    archived: bool = False

    def stars(self) -> int:
        """Return the count that the repository's page shows."""
        return sum(self.days.values())


@dataclass
class Reply:
    """An answer before faults befall it."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class GitHub:
    """The state of GitHub at `now` (UTC without zone): repositories by name and id, budgets by token."""

    def __init__(self, now: datetime, frameworks: list[Framework], recorded: Path) -> None:
        self.now = now
        self.budgets = {"": 60, TOKEN: 5_000}
        self.limits = dict(self.budgets)
        self.repos = [_generated(framework, now) for framework in frameworks if framework.repositories]
        self.repos.append(_recorded(recorded, now))

    def find(self, name: str) -> Repo | None:
        """Return a repository by today's name, in any case."""
        return next((repo for repo in self.repos if repo.full_name.lower() == name.lower()), None)

    def rename(self, name: str, new_name: str) -> None:
        """Give a repository another name; the old one redirects."""
        repo = self.find(name)
        assert repo is not None
        repo.former, repo.full_name = (*repo.former, repo.full_name), new_name

    def reply(self, base: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Reply:
        """Answer GET `path`; `base` is the address to put into links."""
        token = headers.get("Authorization", "").removeprefix("token ").removeprefix("Bearer ")
        if token not in self.budgets:
            return _error(401, "Bad credentials")
        if path == "/rate_limit":
            return _json(200, {"resources": {"core": self._budget(token)}}, self._budget_headers(token))
        if self.budgets[token] <= 0:
            return _error(403, "API rate limit exceeded", self._budget_headers(token))
        reply = self._route(base, path, query)
        if reply.status == 200:
            etag = f'W/"{hashlib.sha256(reply.body).hexdigest()}"'
            reply.headers |= {"ETag": etag, "Cache-Control": "public, max-age=60, s-maxage=60"}
            if headers.get("If-None-Match") == etag:
                reply = Reply(304, b"", {"ETag": etag})
        self.budgets[token] -= not (reply.status == 304 and token)
        reply.headers |= self._budget_headers(token)
        return reply

    def _route(self, base: str, path: str, query: Mapping[str, str]) -> Reply:
        match = re.fullmatch(r"/(?:repositories/(\d+)|repos/([^/]+/[^/]+))(?:/(.*))?", path)
        if match is None:
            return _error(404, "Not Found")
        number, name, rest = match.group(1), match.group(2) or "", match.group(3) or ""
        repo = self.find(name) or next((repo for repo in self.repos if str(repo.id) == number), None)
        if repo is not None:
            return self._of(repo, rest, base, query)
        moved = next((repo for repo in self.repos if name.lower() in map(str.lower, repo.former)), None)
        return _moved(base, moved, rest, query) if moved else _error(404, "Not Found")

    def _of(self, repo: Repo, rest: str, base: str, query: Mapping[str, str]) -> Reply:
        if rest == "":
            return _json(200, self.record(repo, base))
        if rest == "stargazers/count":
            return _json(200, {"count": repo.stars()})
        if rest == "stargazers/history":
            return self._history(repo, base, query)
        if rest == "stargazers":  # closed to strangers since 2026-06-30
            return _error(401, "Requires authentication")
        return _error(404, "Not Found")

    def record(self, repo: Repo, base: str = "") -> dict[str, Any]:
        """Return the repository's record, with the fields of the recorded octokit fixture that anyone reads."""
        owner, _, name = repo.full_name.partition("/")
        return {
            "id": repo.id, "name": name, "full_name": repo.full_name, "private": False,
            "owner": {"login": owner, "type": "Organization"}, "fork": False,
            "url": f"{base}/repos/{repo.full_name}",
            "created_at": f"{repo.created_on}T20:00:00Z", "updated_at": f"{self.now:%Y-%m-%dT%H:%M:%SZ}",
            "pushed_at": f"{self.now - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
            "stargazers_count": repo.stars(), "watchers_count": repo.stars(), "subscribers_count": repo.id % 997,
            "forks_count": repo.stars() // 4, "open_issues_count": repo.id % 499, "archived": repo.archived,
            "license": None, "default_branch": "main", "visibility": "public",
        }  # fmt: skip

    def weeks(self, repo: Repo) -> list[dict[str, Any]]:
        """Return the whole star history, newest week first, the days to come as zeros."""
        week = _sunday(pacific_today(self.now))
        weeks = []
        while week >= _sunday(repo.created_on):
            days = [repo.days.get(week + timedelta(days=offset), 0) for offset in range(7)]
            label = int(datetime.combine(week, datetime.min.time(), UTC).timestamp())
            weeks.append({"week": label, "total": sum(days), "days": days})
            week -= timedelta(days=7)
        return weeks

    def _history(self, repo: Repo, base: str, query: Mapping[str, str]) -> Reply:
        numbers = query.get("per_page", "30"), query.get("page", "1")
        if not all(number.isdecimal() and int(number) >= 1 for number in numbers) or int(numbers[1]) > 100:
            return _error(422, "Validation Failed")
        per_page, page = min(30, int(numbers[0])), int(numbers[1])
        weeks = self.weeks(repo)
        last = math.ceil(len(weeks) / per_page)
        address = f"{base}/repositories/{repo.id}/stargazers/history?per_page={per_page}&page="
        links = {"prev": page - 1, "first": 1} if page > 1 else {}
        links |= {"next": page + 1, "last": last} if page < last else {}
        link = ", ".join(f'<{address}{number}>; rel="{rel}"' for rel, number in links.items())
        return _json(200, weeks[(page - 1) * per_page : page * per_page], {"Link": link} if link else {})

    def _budget(self, token: str) -> dict[str, int]:
        limit, remaining = self.limits[token], max(0, self.budgets[token])
        reset = int(self.now.replace(tzinfo=UTC).timestamp()) + 3_600
        return {"limit": limit, "remaining": remaining, "reset": reset, "used": limit - remaining}

    def _budget_headers(self, token: str) -> dict[str, str]:
        return {f"X-RateLimit-{key.title()}": str(value) for key, value in self._budget(token).items()}


def pacific_today(now: datetime) -> date:
    """Return the US-Pacific day of a UTC instant without zone."""
    return now.replace(tzinfo=UTC).astimezone(PACIFIC).date()


def _sunday(day: date) -> date:
    return day - timedelta(days=(day.weekday() + 1) % 7)


def _generated(framework: Framework, now: datetime) -> Repo:
    """A repeatable S-shaped series: slow start, rise over four years, weekday pattern, no randomness."""
    repository = framework.repositories[0]
    seed = zlib.crc32(repository.name.encode())
    first, today = max(OLDEST, framework.first_released_on), pacific_today(now)
    weights = [
        (0.02 + 1 / (1 + math.exp((n - 1500) / 400)) - 1 / (1 + math.exp((n - 300) / 200)) * 0.8)
        * (1 + ((n * 2654435761 + seed) % 97) / 97)
        * (0.6 if (first + timedelta(days=n)).weekday() >= 5 else 1.0)
        for n in range((today - first).days + 1)
    ]
    total, whole = TOTALS.get(repository.name, 5_000), sum(weights)
    days, passed, given = {}, 0.0, 0
    for n, weight in enumerate(weights):
        passed += weight
        upto = round(total * passed / whole)
        days[first + timedelta(days=n)], given = upto - given, upto
    former = tuple(name for name in repository.formerly if name.lower() != repository.name.lower())
    return Repo(seed, repository.name, former, first, days, framework.status == "archived")


def _recorded(path: Path, now: datetime) -> Repo:
    weeks = json.loads(path.read_text("utf-8"))["body"]
    days = {
        datetime.fromtimestamp(entry["week"], UTC).date() + timedelta(days=offset): stars
        for entry in weeks
        for offset, stars in enumerate(entry["days"])
    }
    today = pacific_today(now)
    past = {day: stars for day, stars in days.items() if day <= today}
    return Repo(1_050_000_001, "zaghaghi/toolog", (), date(2026, 8, 31), past)


def _json(status: int, content: Any, headers: Mapping[str, str] | None = None) -> Reply:
    body = json.dumps(content, separators=(",", ":")).encode()
    return Reply(status, body, {"Content-Type": "application/json; charset=utf-8", **(headers or {})})


def _error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Reply:
    docs = "https://docs.github.com/rest"
    return _json(status, {"message": message, "documentation_url": docs, "status": str(status)}, headers)


def _moved(base: str, repo: Repo, rest: str, query: Mapping[str, str]) -> Reply:
    address = f"{base}/repositories/{repo.id}{'/' + rest if rest else ''}"
    tail = "&".join(f"{key}={value}" for key, value in query.items())
    content = {
        "message": "Moved Permanently",
        "url": address,
        "documentation_url": "https://docs.github.com/v3/#http-redirects",
    }
    return _json(301, content, {"Location": address + (f"?{tail}" if tail else "")})
