"""GitHub as SOURCES describes it: repository records, star history and releases with paging, renames, ETags, budgets.

The repositories and their stars are those of `tests.world.repos`.
"""

from __future__ import annotations

import hashlib
import math
import re
import threading
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.world import releases
from tests.world.reply import Reply, Request, as_json
from tests.world.repos import Repo, load, pacific_today, sunday
from warehouse.registry import Framework

TOKEN = "world-token"


class GitHub:
    """The state of GitHub at `now` (UTC without zone): repositories by name and id, budgets by token."""

    def __init__(self, now: datetime, frameworks: list[Framework], recorded: Path) -> None:
        self.now = now
        self.budgets = {"": 60, TOKEN: 5_000}
        self.limits = dict(self.budgets)
        self._lock = threading.Lock()
        self.repos = load(frameworks, recorded, now)

    def at(self, now: datetime) -> None:
        """Move the clock: the generated series go on, and with a new hour comes a new budget."""
        if now >= self.now + timedelta(hours=1):
            self.budgets = dict(self.limits)
        self.now = now
        for repo in self.repos:
            repo.grow(self.today)

    @property
    def today(self) -> date:
        """The US-Pacific day, by which stars are counted."""
        return pacific_today(self.now)

    def find(self, name: str) -> Repo | None:
        """Return a repository by today's name, in any case."""
        return next((repo for repo in self.repos if repo.full_name.lower() == name.lower()), None)

    def rename(self, name: str, new_name: str) -> None:
        """Give a repository another name; the old one redirects."""
        repo = self.find(name)
        assert repo is not None
        repo.rename(new_name, self.today)

    def reply(self, request: Request) -> Reply:
        """Answer GET; `request.base` is the address to put into links."""
        token = request.headers.get("Authorization", "").removeprefix("token ").removeprefix("Bearer ")
        if token not in self.budgets:
            return error(401, "Bad credentials")
        if request.path == "/rate_limit":
            return as_json(200, {"resources": {"core": self._budget(token)}}, self._budget_headers(token))
        if self.budgets[token] <= 0:
            return error(403, "API rate limit exceeded", self._budget_headers(token))
        reply = self._route(request.base, request.path, request.query)
        if reply.status == 200:
            etag = f'W/"{hashlib.sha256(reply.body).hexdigest()}"'
            reply.headers |= {"ETag": etag, "Cache-Control": "public, max-age=60, s-maxage=60"}
            if request.headers.get("If-None-Match") == etag:
                reply = Reply(304, b"", {"ETag": etag})
        with self._lock:
            self.budgets[token] -= not (reply.status == 304 and token)
        reply.headers |= self._budget_headers(token)
        return reply

    def _route(self, base: str, path: str, query: Mapping[str, str]) -> Reply:
        match = re.fullmatch(r"/(?:repositories/(\d+)|repos/([^/]+/[^/]+))(?:/(.*))?", path)
        if match is None:
            return error(404, "Not Found")
        number, name, rest = match.group(1), match.group(2) or "", match.group(3) or ""
        repo = self.find(name) or next((repo for repo in self.repos if str(repo.id) == number), None)
        if repo is not None:
            return self._of(repo, rest, base, query)
        moved = next((repo for repo in self.repos if name.lower() in map(str.lower, repo.former)), None)
        return _moved(base, moved, rest, query) if moved else error(404, "Not Found")

    def _of(self, repo: Repo, rest: str, base: str, query: Mapping[str, str]) -> Reply:
        if rest == "":
            return as_json(200, self.record(repo, base))
        if rest == "stargazers/count":
            return as_json(200, {"count": repo.stars(self.today)})
        if rest == "stargazers/history":
            return self._history(repo, base, query)
        if rest == "releases":
            return self._releases(repo, base, query)
        if rest == "stargazers":  # closed to strangers since 2026-06-30
            return error(401, "Requires authentication")
        return error(404, "Not Found")

    def record(self, repo: Repo, base: str = "") -> dict[str, Any]:
        """Return the repository's record, with the fields of the recorded octokit fixture that anyone reads."""
        owner, _, name = repo.full_name.partition("/")
        stars = repo.stars(self.today)
        return {
            "id": repo.id, "name": name, "full_name": repo.full_name, "private": False,
            "owner": {"login": owner, "type": "Organization"}, "fork": False,
            "url": f"{base}/repos/{repo.full_name}",
            "created_at": f"{repo.created_on}T20:00:00Z", "updated_at": f"{self.now:%Y-%m-%dT%H:%M:%SZ}",
            "pushed_at": f"{self.now - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
            "stargazers_count": stars, "watchers_count": stars,
            "subscribers_count": repo.id % 997,
            "forks_count": stars // 4, "open_issues_count": repo.id % 499, "archived": repo.archived,
            "license": None, "default_branch": "main", "visibility": "public",
        }  # fmt: skip

    def weeks(self, repo: Repo, first: int = 0, last: int | None = None) -> list[dict[str, Any]]:
        """Return star history from the newest week on (or its weeks `first` up to `last`), days to come as zeros."""
        end = self._count_weeks(repo) if last is None else min(last, self._count_weeks(repo))
        return [self._week(repo, sunday(self.today) - timedelta(weeks=back)) for back in range(first, end)]

    def _count_weeks(self, repo: Repo) -> int:
        return max(0, (sunday(self.today) - sunday(repo.created_on)).days // 7 + 1)

    def _week(self, repo: Repo, week: date) -> dict[str, Any]:
        dates = [week + timedelta(days=offset) for offset in range(7)]
        days = [repo.days.get(day, 0) if day <= self.today else 0 for day in dates]
        return {"week": int(datetime.combine(week, datetime.min.time(), UTC).timestamp()),
                "total": sum(days), "days": days}  # fmt: skip

    def _history(self, repo: Repo, base: str, query: Mapping[str, str]) -> Reply:
        paging = _paging(query, 30)
        if paging is None:
            return error(422, "Validation Failed")
        per_page, page = paging
        weeks = self.weeks(repo, (page - 1) * per_page, page * per_page)
        if "_doubled" in query:  # the fault duplicate-week
            weeks = [*self.weeks(repo, max(0, (page - 1) * per_page - 1), max(1, (page - 1) * per_page)), *weeks]
        last = math.ceil(self._count_weeks(repo) / per_page)
        return as_json(200, weeks, _links(f"{base}/repositories/{repo.id}/stargazers/history", per_page, page, last))

    def _releases(self, repo: Repo, base: str, query: Mapping[str, str]) -> Reply:
        paging = _paging(query, 100)
        if paging is None:
            return error(422, "Validation Failed")
        per_page, page = paging
        found = self.releases(repo)
        links = _links(f"{base}/repositories/{repo.id}/releases", per_page, page, math.ceil(len(found) / per_page))
        return as_json(200, found[(page - 1) * per_page : page * per_page], links)

    def releases(self, repo: Repo) -> list[dict[str, Any]]:
        """Return what a repository has released so far, newest first."""
        return list(releases.generated(repo.born_as, repo.created_on, self.now.date()))

    def _budget(self, token: str) -> dict[str, int]:
        limit, remaining = self.limits[token], max(0, self.budgets[token])
        reset = int(self.now.replace(tzinfo=UTC).timestamp()) + 3_600
        return {"limit": limit, "remaining": remaining, "reset": reset, "used": limit - remaining}

    def _budget_headers(self, token: str) -> dict[str, str]:
        return {f"X-RateLimit-{key.title()}": str(value) for key, value in self._budget(token).items()}


def error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Reply:
    """Answer with one of GitHub's refusals."""
    docs = "https://docs.github.com/rest"
    return as_json(status, {"message": message, "documentation_url": docs, "status": str(status)}, headers)


def _paging(query: Mapping[str, str], most: int) -> tuple[int, int] | None:
    """Return per_page, silently cut to `most`, and page; None when they are nonsense."""
    numbers = query.get("per_page", "30"), query.get("page", "1")
    if not all(number.isdecimal() and int(number) >= 1 for number in numbers) or int(numbers[1]) > 100:
        return None
    return min(most, int(numbers[0])), int(numbers[1])


def _links(address: str, per_page: int, page: int, last: int) -> dict[str, str]:
    pages = {"prev": page - 1, "first": 1} if page > 1 else {}
    pages |= {"next": page + 1, "last": last} if page < last else {}
    link = ", ".join(f'<{address}?per_page={per_page}&page={number}>; rel="{rel}"' for rel, number in pages.items())
    return {"Link": link} if link else {}


def _moved(base: str, repo: Repo, rest: str, query: Mapping[str, str]) -> Reply:
    address = f"{base}/repositories/{repo.id}{'/' + rest if rest else ''}"
    tail = "&".join(f"{key}={value}" for key, value in query.items())
    content = {
        "message": "Moved Permanently",
        "url": address,
        "documentation_url": "https://docs.github.com/v3/#http-redirects",
    }
    return as_json(301, content, {"Location": address + (f"?{tail}" if tail else "")})
