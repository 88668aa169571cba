"""A raw archive as years of daily runs would leave it: invented answers in the sources' own form, from a fixed seed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.perf.arxiv_years import atom_page, count_feed, papers_of
from warehouse.parse.stars import pacific_date, week_of
from warehouse.raw import COLLECTOR_VERSION, FORMAT_VERSION, RUN_END, RUN_START, SCHEMA
from warehouse.registry import SHIPPED, Registry, load
from warehouse.settings import Settings

FIRST_DAY = date(2026, 11, 1)
WEEKS_A_PAGE = 30
REREAD_DAYS = 28
_EPOCH = date(1970, 1, 1)
_MORE = """
[[framework]]
id = "{id}"
name = "{name}"
colour = "#445566"
first_released_on = 2020-01-02
status = "active"
repositories = [{{ name = "years/{id}" }}]
pypi = ["{id}"]
stackoverflow_tags = ["{id}"]
arxiv = {{ query = ["{name}"], rules = [{{ match = '\\b{name}\\b' }}] }}
"""
_NEW = {"alloy": "Alloynet", "basalt": "Basaltnet", "cobalt": "Cobaltnet", "dune": "Dunenet"}


def write_registry(path: Path) -> Registry:
    """Write the shipped registry with four invented frameworks, each framework with a second repository: 15 and 30."""
    text = SHIPPED.read_text("utf-8") + "".join(_MORE.format(id=id, name=name) for id, name in _NEW.items())
    blocks = text.split("[[framework]]")
    for number, block in enumerate(blocks[1:], 1):
        second = f'repositories = [{{ name = "years/second-{number}" }}, {{'
        blocks[number] = block.replace("repositories = [{", second, 1)
    path.write_text("[[framework]]".join(blocks))
    return load(Settings(home=path.parent, raw=path.parent, registry_file=path))


@dataclass
class _Repo:
    """One repository's life: stars by day, the texts of its weeks as GitHub tells them, and what was told last."""

    name: str
    github_id: int
    created_on: date
    rate: float
    stars: dict[date, int] = field(default_factory=dict)
    weeks: dict[date, str] = field(default_factory=dict)
    told: dict[str, tuple[bytes, str]] = field(default_factory=dict)

    def live(self, random: Random, day: date) -> None:
        """Add a day of stars; now and then a star of some earlier day is taken back."""
        rate = self.rate
        self.stars[day] = int(random.gauss(rate, rate**0.5) + 0.5) if rate > 20 else _poisson(random, rate)
        self.stars[day] = max(0, self.stars[day])
        self.weeks.pop(week_of(day), None)
        if random.random() < 0.02:
            past = self.created_on + timedelta(random.randrange((day - self.created_on).days + 1))
            if self.stars.get(past, 0):
                self.stars[past] -= 1
                self.weeks.pop(week_of(past), None)

    def week(self, week: date, today: date) -> str:
        """Return a week in GitHub's form; of the running day nine tenths have come."""
        if week not in self.weeks:
            self.weeks[week] = self._week(week, [self.stars.get(week + timedelta(offset), 0) for offset in range(7)])
        if week + timedelta(6) >= today >= week:
            days = [self.stars.get(week + timedelta(offset), 0) for offset in range(7)]
            days[(today - week).days] = days[(today - week).days] * 9 // 10
            return self._week(week, days)
        return self.weeks[week]

    def _week(self, week: date, days: list[int]) -> str:
        label = (week - _EPOCH).days * 86_400
        return f'{{"week":{label},"total":{sum(days)},"days":[{",".join(map(str, days))}]}}'

    def page(self, number: int, today: date) -> bytes:
        """Return a page of 30 weeks, newest first; empty beyond the first week."""
        newest = week_of(today) - timedelta(7 * WEEKS_A_PAGE * (number - 1))
        weeks = (newest - timedelta(7 * back) for back in range(WEEKS_A_PAGE))
        told = [self.week(week, today) for week in weeks if week >= week_of(self.created_on)]
        return f"[{','.join(told)}]".encode()

    def pages(self, today: date) -> int:
        """Return how many pages the whole life takes."""
        return -(-((week_of(today) - week_of(self.created_on)).days // 7 + 1) // WEEKS_A_PAGE)

    def record(self, random: Random, today: date) -> bytes:
        """Return the repository's record, as the collector cuts it."""
        total = sum(self.stars.values())
        lively = random.random() < min(1.0, self.rate)
        pushed = today if lively else today.replace(day=1)
        record = {
            "id": self.github_id, "full_name": self.name, "stargazers_count": total, "forks_count": total // 4,
            "open_issues_count": total // 50, "subscribers_count": total // 30, "archived": False,
            "created_at": f"{self.created_on}T05:00:00Z", "pushed_at": f"{pushed}T01:02:03Z",
        }  # fmt: skip
        return json.dumps(record, separators=(",", ":")).encode()


def _poisson(random: Random, rate: float) -> int:
    count, left = -1, 1.0
    while left > 0:
        count += 1
        left -= random.expovariate(rate)
    return count


class _Part:
    """One run's answers, gathered for one merged part."""

    def __init__(self, source: str, began: datetime, random: Random) -> None:
        self.source, self.now = source, began
        self.run_id = f"{began:%Y%m%dT%H%M%S}-{random.getrandbits(32):08x}"
        self.rows: dict[str, list[Any]] = {name: [] for name in SCHEMA.names}
        self.note(RUN_START, {})

    def answer(
        self,
        subject: str,
        body: bytes,
        params: dict[str, Any],
        *,
        status: int | None = 200,
        revalidates: str | None = None,
    ) -> str:
        """Add an answer, 0.3 s after the one before; return its response_id."""
        self.now += timedelta(milliseconds=300)
        response_id = f"{self.run_id}-{len(self.rows['body']) + 1:05d}"
        digest = hashlib.sha256(body).hexdigest()
        row = {
            "response_id": response_id, "run_id": self.run_id, "source": self.source, "subject": subject,
            "url": f"https://api.example.org/{self.source}/{subject}" if status else None,
            "params": json.dumps(params, sort_keys=True, default=str), "status": status,
            "etag": f'W/"{digest}"' if status else None, "revalidates": revalidates,
            "fetched_at": self.now, "collector_version": COLLECTOR_VERSION, "format_version": FORMAT_VERSION,
            "body_sha256": digest, "body": body,
        }  # fmt: skip
        for name, value in row.items():
            self.rows[name].append(value)
        return response_id

    def note(self, subject: str, content: dict[str, Any]) -> str:
        return self.answer(subject, json.dumps(content, sort_keys=True, default=str).encode(), {}, status=None)

    def write(self, raw: Path) -> None:
        self.note(RUN_END, {"requests": len(self.rows["body"]), "rows": 1, "left": "", "noticed": [], "error": None})
        folder = raw / f"source={self.source}"
        folder.mkdir(parents=True, exist_ok=True)
        table = pa.Table.from_pydict(self.rows, schema=SCHEMA)
        pq.write_table(table, folder / f"{self.run_id}.parquet", compression="zstd", write_page_checksum=True)


class Years:
    """Writes day after day of runs into `raw`; the same seed gives the same answers."""

    def __init__(self, raw: Path, registry: Registry, seed: int = 20261101) -> None:
        self.raw, self.registry, self.random = raw, registry, Random(seed)
        self.day = FIRST_DAY
        names = [repo.name for framework in registry.frameworks.values() for repo in framework.repositories]
        self.repos = [self._born(number, name) for number, name in enumerate(names)]
        self.packages = [package for framework in registry.frameworks.values() for package in framework.pypi[:1]]
        self.downloads = {package: [self.random.randrange(9_000, 900_000)] for package in self.packages}

    @property
    def days(self) -> int:
        """How many days were written."""
        return (self.day - FIRST_DAY).days

    def _born(self, number: int, name: str) -> _Repo:
        """Every third repository is as good as dead: its page stays the same all week, and GitHub answers 304."""
        created = date(2015, 1, 4) + timedelta(self.random.randrange(3_000))
        rate = 0.02 if number % 3 == 2 else self.random.uniform(2, 60)
        repo = _Repo(name, 1_000_000 + number, created, rate)
        for offset in range((self.day - created).days):
            repo.live(self.random, created + timedelta(offset))
        return repo

    def write(self, days: int) -> None:
        """Write the runs of so many more days."""
        for _ in range(days):
            at = datetime(self.day.year, self.day.month, self.day.day, 6, 17) + timedelta(
                seconds=self.random.randrange(900)
            )
            number = self.days
            self._stars(at, number)
            self._downloads(at + timedelta(minutes=20))
            if number % 7 == 0:
                self._papers(at + timedelta(minutes=30))
                self._releases(at + timedelta(minutes=40))
            if self.day.day == 2:
                self._questions(at + timedelta(minutes=50))
            self.day += timedelta(1)

    def _stars(self, at: datetime, number: int) -> None:
        part, today = _Part("stars", at, self.random), pacific_date(at)
        for repo in self.repos:
            repo.live(self.random, today)
        for repo in self.repos:
            self._ask(part, repo, "repo", repo.record(self.random, today), {"kind": "repo"})
        for repo in self.repos:
            history = {"kind": "history", "page": 1, "per_page": WEEKS_A_PAGE}
            self._ask(part, repo, "history", repo.page(1, today), history)
            if number % REREAD_DAYS == 0:
                for page in range(2, repo.pages(today) + 1):
                    part.answer(repo.name, repo.page(page, today), {**history, "page": page})
        part.write(self.raw)

    def _ask(self, part: _Part, repo: _Repo, kind: str, body: bytes, params: dict[str, Any]) -> None:
        """Answer 200, or 304 when nothing has changed since the last 200."""
        before, response_id = repo.told.get(kind, (b"", ""))
        if body == before:
            part.answer(repo.name, b"", params, status=304, revalidates=response_id)
        else:
            repo.told[kind] = body, part.answer(repo.name, body, params)

    def _downloads(self, at: datetime) -> None:
        """pypistats' 180 days before today of each framework's first package, without mirrors."""
        part = _Part("downloads", at, self.random)
        for package, series in self.downloads.items():
            while len(series) < self.days + 181:
                series.append(max(1, int(series[-1] * self.random.uniform(0.93, 1.075))))
            entries = ",".join(
                f'{{"category":"without_mirrors","date":"{self.day - timedelta(back)}","downloads":{series[-back]}}}'
                for back in range(180, 0, -1)
            )
            body = f'{{"data":[{entries}],"package":"{package}","type":"overall_downloads"}}'.encode()
            part.answer(package, body, {"kind": "pypistats", "package": package, "mirrors": False})
        part.write(self.raw)

    def _papers(self, at: datetime) -> None:
        part = _Part("papers", at, self.random)
        names = [framework.arxiv_query[0] for framework in self.registry.frameworks.values() if framework.arxiv_query]
        phrases = [phrase for framework in self.registry.frameworks.values() for phrase in framework.arxiv_query]
        query = " OR ".join(f'abs:"{phrase}"' for phrase in phrases)
        first, last = self.day - timedelta(14), self.day - timedelta(1)
        label, papers = f"{first}..{last}", papers_of(self.random, names, first, last)
        params = {"kind": "window", "from": first, "until": last, "query": query, "start": 0}
        part.answer(f"window:{label}", atom_page(papers), params)
        note = {"from": first, "until": last, "query": query, "total": len(papers), "received": len(papers)}
        part.note(f"window-done:{label}", note)
        month = (self.day.replace(day=1) - timedelta(1)).strftime("%Y-%m")
        part.answer(
            f"count:{month}", count_feed(self.random.randrange(8_000, 9_000)), {"kind": "count", "month": month}
        )
        part.write(self.raw)

    def _releases(self, at: datetime) -> None:
        part = _Part("releases", at, self.random)
        for number, repo in enumerate(self.repos):
            months = self.days // 30
            versions = [(f"v{major}.{number}", FIRST_DAY + timedelta(30 * major)) for major in range(months + 1)][-30:]
            page = [
                {"tag_name": tag, "draft": False, "prerelease": False, "published_at": f"{day}T00:00:00Z"}
                for tag, day in reversed(versions)
            ]
            self._ask(part, repo, "releases", json.dumps(page).encode(), {"kind": "releases", "page": 1})
            params = {"kind": "whole", "pages": "newest", "read_from": part.now.isoformat()}
            part.answer(repo.name, b"", params, status=None)
        part.write(self.raw)

    def _questions(self, at: datetime) -> None:
        part = _Part("questions", at, self.random)
        month = (self.day.replace(day=1) - timedelta(1)).strftime("%Y-%m")
        tags = [tag for framework in self.registry.frameworks.values() for tag in framework.stackoverflow_tags]
        for tag in (None, *tags):
            total = self.random.randrange(5, 500) if tag else 60_000
            subject, params = f"tag:{tag}" if tag else "all", {"kind": "questions", "tag": tag, "month": month}
            part.answer(subject, json.dumps({"total": total}).encode(), params)
        part.write(self.raw)
