"""Years of daily operation in minutes: `make soak` or `python -m tests.soak --days 1095`. Raises where it went wrong.

One process collects what is due, day after day, while the world goes on: stars are given and taken back, repositories
renamed, papers and releases come out, sources die and return. Each month a collection is killed amid its questions, and
a build runs. At the end every fact must be the world's, and each month must still be seen as it was known then.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb
import psutil

from tests.conftest import ROOT, environment
from tests.world import pypistats
from tests.world.corpus import CATEGORIES
from tests.world.server import World
from warehouse import registry, status
from warehouse.raw import Archive
from warehouse.settings import Settings

BEGIN = datetime(2026, 9, 11, 15, 22)
FRAMEWORKS = ("keras", "jax", "chainer")
# How long each source is away: longer than two of its intervals, after which it is stale.
OUTAGES = (("github", "stars", 4), ("arxiv", "papers", 16), ("pypistats", "downloads", 16))
KINDS = ("503", "reset", "html")
# The last days, on which nothing goes wrong: a whole star history is read again every 28 days.
QUIET_DAYS = 30
COLLECTOR = """
import contextlib, io, json, os, sys
import dlpulse
from warehouse.errors import DlpulseError
for line in sys.stdin:
    os.environ["DLPULSE_NOW"] = line.strip()
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            code = dlpulse.app(["collect", "--due"], standalone_mode=False)
        except SystemExit as ended:
            code = ended.code
        except DlpulseError as error:
            code = str(error)
    print(json.dumps({"code": code or 0, "said": said.getvalue()}), flush=True)
"""
KNOWN = """
select count(*), coalesce(bit_xor(hash(repo_id, day, estimator, source, stars, stars_added)), 0)
from {} where source = 'github'
"""


@dataclass
class Cost:
    """What it cost: builds in seconds, at each the MiB of raw, parsed and database; the collecting process' memory."""

    days: int = 0
    collections: int = 0
    requests: int = 0
    kills: int = 0
    outages: int = 0
    builds: list[float] = field(default_factory=list)
    sizes: list[tuple[float, float, float]] = field(default_factory=list)
    memory_mib: list[float] = field(default_factory=list)


class Soak:
    """A world, a home, and one collecting process."""

    def __init__(self, shared_data: Path, home: Path, days: int, seed: int = 2026) -> None:
        self.home, self.days, self.chance = home, days, random.Random(seed)
        home.mkdir(parents=True, exist_ok=True)
        shipped = registry.SHIPPED.read_text("utf-8").split("[[framework]]")[1:]
        chosen = [block for block in shipped if any(f'id = "{name}"' in block for name in FRAMEWORKS)]
        self.registry_file = home / "three.toml"
        self.registry_file.write_text("".join(f"[[framework]]{block}" for block in chosen), "utf-8")
        self.settings = Settings(home=home, raw=home / "raw", registry_file=self.registry_file)
        self.registry = registry.load(self.settings)
        self.world = World(shared_data, BEGIN)
        self.now = BEGIN
        self.cost = Cost()
        self.observed: dict[tuple[str, date], int] = {}
        self.known: list[tuple[datetime, Any]] = []
        self.down = ""

    def run(self) -> Cost:
        """Live through the days, then through some quiet ones, and compare everything."""
        # A minute of the world's is a moment here.
        with patch.object(pypistats, "A_MINUTE", 10**9), self.world:
            self.process = self._collector()
            try:
                self._live(self.days - QUIET_DAYS, quiet=False)
                self._live(QUIET_DAYS, quiet=True)
                self.compare()
            finally:
                self.process.kill()
                self.process.wait()
        self.cost.requests = self.world.asked()
        return self.cost

    def _live(self, days: int, *, quiet: bool) -> None:
        outages = iter(()) if quiet else self._outages()
        ends, source = 0, ""
        for day in range(1, days + 1):
            self.now += timedelta(days=1)
            self.world.at(self.now)
            self.cost.days += 1
            if not quiet:
                self._change(day)
            if day == ends:
                self.check_status(source, well=False)
                self.world.faults.clear()
                self.down, ends = "", 0
            elif not self.down and day % 30 == 10 and (outage := next(outages, None)) and day + outage[2] < days:
                self.down, source, lasts = outage
                ends = day + lasts
                self.cost.outages += 1
                self.world.fault(self.chance.choice(KINDS), f"^/{self.down}/", count=-1)
            returned = source if not self.down else ""
            if day % 30 == 5 and not quiet and not self.down:
                self.kill_amid()
            self.collect()
            if returned:
                self.check_status(returned, well=True)
                source = ""
            if day % 30 == 0 or (quiet and day == days):
                self.build()

    def _outages(self) -> Iterator[tuple[str, str, int]]:
        while True:
            yield from OUTAGES

    def _change(self, day: int) -> None:
        """Take stars back, a few a day; rename a repository now and then."""
        repos = [self.world.github.find(repo.name) or self._today(repo.name) for repo in self._repositories()]
        for _ in range(self.chance.randint(0, 4)):
            repo = self.chance.choice(repos)
            given = [one for one, stars in repo.days.items() if stars > 0 and one < self.world.github.today]
            repo.days[self.chance.choice(given)] -= 1
        if day % 50 == 20:
            repo = self.chance.choice(repos)
            owner, _, name = repo.full_name.partition("/")
            self.world.github.rename(repo.full_name, f"{owner}/{name.partition('-')[0]}-{day}")

    def _repositories(self) -> list[Any]:
        return [repo for one in self.registry.frameworks.values() for repo in one.repositories]

    def _today(self, name: str) -> Any:
        """The repository that had this name."""
        return next(repo for repo in self.world.github.repos if name in (repo.full_name, *repo.former))

    def _environment(self) -> dict[str, str]:
        return environment(
            self.home,
            **self.world.variables(),
            DLPULSE_REGISTRY=str(self.registry_file),
            DLPULSE_STACKEXCHANGE_KEY="world-key",
            GITHUB_TOKEN="world-token",
            PYTHONPATH=str(ROOT),
        )

    def _collector(self) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", COLLECTOR]
        return subprocess.Popen(command, env=self._environment(), stdin=pipe, stdout=pipe, text=True, bufsize=1)

    def collect(self) -> None:
        """Collect what is due; it must go well unless a source is away."""
        self._send()
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, "the collecting process has gone"
        told = json.loads(line)
        assert "Traceback" not in told["said"], told["said"]
        assert not told["code"] or self.down, f"{self.now}: {told}"
        self.cost.collections += 1
        if self.down != "github":
            for repo in self._repositories():
                self.observed[repo.name, self.now.date()] = self._today(repo.name).stars(self.world.github.today)

    def _send(self) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{self.now.isoformat()}\n")
        self.process.stdin.flush()

    def kill_amid(self) -> None:
        """Begin a collection, kill it with -9 after some of its questions, and begin another process."""
        self.cost.memory_mib.append(psutil.Process(self.process.pid).memory_info().rss / 2**20)
        before, enough = self.world.asked(), self.chance.randint(1, 4)
        self._send()
        deadline = time.monotonic() + 60
        while self.world.asked() < before + enough and time.monotonic() < deadline:
            time.sleep(0.002)
        assert self.world.asked() > before, "nothing was asked"
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.cost.kills += 1
        self.process = self._collector()

    def check_status(self, source: str, *, well: bool) -> None:
        """The status must say that a source is away once it is stale, and no longer when it is back."""
        told = {one.source: one for one in status.read(Archive(self.settings.raw), self.registry, self.now)}[source]
        assert told.stale is not well, f"{self.now}: {told}"
        assert bool(told.last_error) is not well, f"{self.now}: {told}"

    def build(self) -> None:
        """Build in a process of its own; note what it cost, and what is known now."""
        began = time.monotonic()
        command = [sys.executable, "-m", "dlpulse", "build"]
        variables = {**self._environment(), "DLPULSE_NOW": self.now.isoformat()}
        built = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
        assert built.returncode == 0, f"{self.now}: {built.stderr}"
        self.cost.builds.append(time.monotonic() - began)
        raw, parsed = (_mib(self.home / name) for name in ("raw", "parsed"))
        self.cost.sizes.append((raw, parsed, self.settings.database.stat().st_size / 2**20))
        self.known.append((self.now, self._ask(KNOWN.format("fct_stars"))))

    def _ask(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.database), read_only=True) as connection:
            return connection.execute(sql, list(values)).fetchall()

    def compare(self) -> None:
        """Every fact is the world's, and each month is seen as it was known then."""
        self._compare_stars()
        self._compare_papers()
        self._compare_signals()
        for moment, told in self.known:
            assert self._ask(KNOWN.format(f"stars_as_of(timestamp '{moment}')")) == told, f"as of {moment}"

    def _compare_stars(self) -> None:
        today = self.world.github.today
        for name in (repo.name for repo in self._repositories()):
            truth = self._today(name)
            told = (
                "select day, stars_added from fct_stars where repo_id = ? and estimator = 'retained' and not is_partial"
            )
            wanted = {day: stars for day, stars in truth.days.items() if truth.created_on <= day < today}
            _same(dict(self._ask(told, name)), wanted, f"retained stars of {name}")
            read = "select day, stars from fct_stars where repo_id = ? and estimator = 'observed' and source = 'github'"
            seen = {day: stars for (repo, day), stars in self.observed.items() if repo == name}
            _same(dict(self._ask(read, name)), seen, f"observed stars of {name}")
            listing = "select version from fct_releases inner join dim_repos using (framework_id) where repo_id = ?"
            releases = {row[0] for row in self._ask(listing, name)}
            listed = self.world.github.releases(truth)
            _same(releases, {one["tag_name"] for one in listed}, f"releases of {name}")

    def _compare_papers(self) -> None:
        settled = self.now.date() - timedelta(days=9)
        phrases = [phrase for one in self.registry.frameworks.values() for phrase in one.arxiv_query]
        first = min(one.first_released_on for one in self.registry.frameworks.values())
        wanted = {
            paper.arxiv_id
            for paper in self.world.arxiv.papers
            if first <= paper.submitted_on <= settled
            and set(CATEGORIES) & set(paper.categories)
            and any(paper.names(field, phrase) for phrase in phrases for field in ("ti", "abs"))
        }
        told = "select arxiv_id from fct_papers where submitted_on between ? and ?"
        _same({row[0] for row in self._ask(told, first, settled)}, wanted, "papers")
        totals = self._ask(
            "select distinct month, denominator from fct_mentions_monthly "
            "where measure = 'title_abstract' and base = 'ml_papers'"
        )
        _same(dict(totals), {month: self.world.arxiv.month_total(month) for month, _ in totals}, "papers of a month")
        assert len(totals) > 100

    def _compare_signals(self) -> None:
        for package in (name for one in self.registry.frameworks.values() for name in one.pypi):
            told = dict(
                self._ask(
                    "select day, downloads from fct_downloads where package = ? and source = 'pypistats'", package
                )
            )
            days = [min(told) + timedelta(days=n) for n in range((max(told) - min(told)).days + 1)]
            wanted = {day: self.world.packages.downloads(package, day, mirrors=False) for day in days}
            _same(told, wanted, f"downloads of {package}")
            assert len(told) >= 179 + self.days - QUIET_DAYS, package
        for one in self.registry.frameworks.values():
            told = dict(self._ask("select month, questions from fct_questions_monthly where framework_id = ?", one.id))
            (tag,) = one.stackoverflow_tags
            _same(told, {month: self.world.stackexchange.month(tag, month) for month in told}, f"questions on {tag}")
            assert len(told) > 12, tag


def _same(told: Any, wanted: Any, what: str) -> None:
    if told == wanted:
        return
    if isinstance(told, dict):
        strange = {key: (told.get(key), wanted.get(key)) for key in told.keys() | wanted.keys()
                   if told.get(key) != wanted.get(key)}  # fmt: skip
        raise AssertionError(f"{what}: {len(strange)} differ (told, true): {dict(sorted(strange.items())[:5])}")
    raise AssertionError(f"{what}: {sorted(told - wanted)[:5]} too many, {sorted(wanted - told)[:5]} missing")


def _mib(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20


def main() -> None:
    """Run it and print the cost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=3 * 365)
    parser.add_argument("--seed", type=int, default=2026)
    asked = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        cost = Soak(ROOT.parent / "shared" / "data", Path(folder) / "home", asked.days, asked.seed).run()
    took = time.monotonic() - began
    print(
        f"{cost.days} days in {took:,.0f} s: {cost.collections} collections, {cost.requests:,} requests, {cost.kills}"
    )
    print(f"kills, {cost.outages} outages, {len(cost.builds)} builds; every fact is the world's")
    print(f"slowest build {max(cost.builds):.1f} s, the last {cost.builds[-1]:.1f} s")
    for number, (raw, parsed, database) in enumerate(cost.sizes):
        if number % 6 == 0 or number == len(cost.sizes) - 1:
            print(f"after build {number + 1}: raw {raw:.1f} MiB, parsed {parsed:.1f} MiB, database {database:.1f} MiB")
    print(f"the collecting process: {min(cost.memory_mib):.0f} to {max(cost.memory_mib):.0f} MiB")


if __name__ == "__main__":
    main()
