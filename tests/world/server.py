"""The world as one object: every source's part, one clock, faults, and what visitors asked; `wire.py` serves it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.world.arxiv import ArXiv
from tests.world.clickhouse import ClickHouse
from tests.world.conda import Conda
from tests.world.faults import Fault, Faults
from tests.world.gharchive import GHArchive
from tests.world.github import GitHub
from tests.world.ledger import Ledger
from tests.world.packages import Packages
from tests.world.pypistats import PyPIStats
from tests.world.ranking import Ranking
from tests.world.reply import Reply, Request
from tests.world.stackexchange import StackExchange
from tests.world.surveys import Surveys
from tests.world.wire import Server
from warehouse import registry
from warehouse.settings import Settings

# The moment of the recorded star history: its two weeks are then the recorded repository's whole life.
RECORDED_AT = datetime(2026, 9, 11, 15, 22, 39)


class World:
    """The outside world at `now` (UTC without zone), from the shared data folder; a context manager that serves it."""

    def __init__(self, shared_data: Path, now: datetime = RECORDED_AT, port: int = 0) -> None:
        shipped = Settings(home=Path(), raw=Path(), registry_file=registry.SHIPPED)
        self.now = now
        frameworks = registry.load(shipped).choose(None)
        self.packages = Packages(frameworks)
        self.github = GitHub(now, frameworks, shared_data / "github/star_history_recorded.json")
        self.arxiv = ArXiv(now, shared_data / "arxiv/mentions-2014-2017.jsonl.gz")
        self.ranking = Ranking(now, self.github, shared_data / "stars")
        self.clickhouse = ClickHouse(now, self.github, self.packages)
        self.pypistats = PyPIStats(now, self.packages)
        self.stackexchange = StackExchange(now, frameworks)
        self.conda = Conda(now, frameworks)
        self.surveys = Surveys(now)
        self.gharchive = GHArchive(now, self.github)
        self.faults = Faults()
        self.ledger = Ledger()
        self.requests, self.times, self.agents = self.ledger.requests, self.ledger.times, self.ledger.agents
        self._server = Server(self, port)
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    @property
    def github_api(self) -> str:
        """The value for DLPULSE_GITHUB_API."""
        return f"{self.address}/github"

    @property
    def arxiv_api(self) -> str:
        """The value for DLPULSE_ARXIV_API."""
        return f"{self.address}/arxiv/api/query"

    @property
    def ranking_base(self) -> str:
        """The value for DLPULSE_RANKING_BASE."""
        return f"{self.address}/ranking"

    @property
    def clickhouse_url(self) -> str:
        """The value for DLPULSE_CLICKHOUSE_URL."""
        return f"{self.address}/clickhouse/?user=demo"

    @property
    def pypistats_api(self) -> str:
        """The value for DLPULSE_PYPISTATS_API."""
        return f"{self.address}/pypistats/api"

    @property
    def stackexchange_api(self) -> str:
        """The value for DLPULSE_STACKEXCHANGE_API."""
        return f"{self.address}/stackexchange/2.3"

    @property
    def conda_base(self) -> str:
        """The value for DLPULSE_CONDA_BASE."""
        return f"{self.address}/conda"

    @property
    def survey_base(self) -> str:
        """The value for DLPULSE_SURVEY_BASE."""
        return f"{self.address}/surveys"

    @property
    def gharchive_base(self) -> str:
        """The value for DLPULSE_GHARCHIVE_BASE."""
        return f"{self.address}/gharchive"

    def variables(self) -> dict[str, str]:
        """Return the environment variables that point dlpulse at this world."""
        names = ("github_api", "arxiv_api", "ranking_base", "clickhouse_url", "pypistats_api", "stackexchange_api",
                 "conda_base", "survey_base", "gharchive_base")  # fmt: skip
        return {f"DLPULSE_{name.upper()}": getattr(self, name) for name in names}

    def __enter__(self) -> World:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def serve(self) -> None:
        """Serve in this thread until interrupted."""
        self._server.serve_forever()

    def at(self, now: datetime) -> None:
        """Move the whole world's clock to a later moment (UTC without zone); it does not run by itself."""
        if now < self.now:
            raise ValueError(f"the world's clock stands at {self.now} and does not go back to {now}")
        self.now = now
        for part in (self.github, self.arxiv, self.ranking, self.clickhouse, self.pypistats, self.stackexchange,
                     self.conda, self.surveys, self.gharchive):  # fmt: skip
            part.at(now)

    def fault(self, kind: str, pattern: str = ".*", **options: Any) -> None:
        """Order a fault; see `Fault`."""
        self.faults.order(Fault(kind, pattern, **options))

    def asked(self, pattern: str = ".*") -> int:
        """Return how many requests so far had a `path?query` that matches."""
        return self.ledger.asked(pattern)

    def most_at_once(self, prefix: str) -> int:
        """Return how many connections that asked below `prefix` ("/arxiv") were open at once, at most."""
        return self.ledger.most_at_once(prefix)

    def reply(self, source: str, request: Request) -> Reply:
        """Answer as the source below `/source` would, without faults."""
        answer = self._parts().get(source)
        request.base = f"{self.address}/{source}"
        return answer(request) if answer else Reply(404, b"")

    def _parts(self) -> Mapping[str, Callable[[Request], Reply]]:
        return {
            "github": self.github.reply,
            "arxiv": self.arxiv.reply,
            "ranking": self.ranking.reply,
            "clickhouse": self.clickhouse.reply,
            "pypistats": self.pypistats.reply,
            "stackexchange": self.stackexchange.reply,
            "conda": self.conda.reply,
            "surveys": self.surveys.reply,
            "gharchive": self.gharchive.reply,
        }

    def truth(self) -> dict[str, Any]:
        """Return what a faithful collector must find: star counts and days, papers' ids, monthly totals."""
        months = [date(year, month, 1) for year in range(2010, self.now.year + 1) for month in range(1, 13)]
        return {
            "stars": {repo.full_name: repo.stars(self.github.today) for repo in self.github.repos},
            "created": {repo.full_name: str(repo.created_on) for repo in self.github.repos},
            "papers": sorted(paper.arxiv_id for paper in self.arxiv.papers),
            "months": {f"{month:%Y-%m}": self.arxiv.month_total(month) for month in months},
        }
