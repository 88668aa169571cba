"""The fault matrix: every source meets every fault over real HTTP, with the expected outcome stated for each cell.

Whatever the cell, three things hold: nothing false is stored, nothing good is lost, and the next run mends it. What an
undisturbed run stores is the truth here; the tests of each source hold it against the world's own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from collectors.base import Outcome
from collectors.runner import collect
from tests.world import World
from warehouse import registry
from warehouse.parse import Rejected, rows_of
from warehouse.raw import Archive
from warehouse.settings import Settings

NOW = datetime(2026, 9, 11, 15, 22, 39)

OUTLIVED = "outlived"  # retried, followed or seen through: no fault is told, and all facts are there
NAMED = "named"  # told in a line of its own; the facts of that answer are absent, all others are there
LIMIT = "limit"  # the run ends cleanly, saying when to come back
ABSENT = "absent"  # an answer that may well be true: no fault, perhaps a remark, and no fact; asked again later
BELIEVED = "believed"  # a lie that nobody can see through: one number, with nothing to hold it against
FAULTS: Mapping[str, Mapping[str, Any]] = {
    "timeout": {"kind": "slow", "seconds": 1.2},
    "reset": {"kind": "reset"},
    "429": {"kind": "429"},
    "429-retry-after": {"kind": "429", "retry_after": "1"},
    "429-long": {"kind": "429", "retry_after": "7200", "count": -1},
    "403-limit": {"kind": "403-primary", "count": -1},
    "401": {"kind": "401", "count": -1},
    "404": {"kind": "404", "count": -1},
    "301": {"kind": "301"},
    "304": {"kind": "304", "count": -1},
    "500": {"kind": "500", "count": -1},
    "empty": {"kind": "empty", "count": -1},
    "truncated": {"kind": "truncated", "count": -1},
    "broken-off": {"kind": "broken-off", "count": -1},
    "html": {"kind": "html", "count": -1},
    "wrong-total": {"kind": "wrong-total", "count": -1},
    "duplicate-week": {"kind": "duplicate-week", "count": -1},
    "huge": {"kind": "huge", "count": -1},
    "invalid-utf8": {"kind": "invalid-utf8", "count": -1},
}
# What is expected where a source's row does not say otherwise.
USUAL = {
    "timeout": OUTLIVED,
    "reset": OUTLIVED,
    "429": OUTLIVED,
    "429-retry-after": OUTLIVED,
    "429-long": LIMIT,
    "403-limit": NAMED,
    "401": NAMED,
    "404": NAMED,
    "301": OUTLIVED,
    "304": NAMED,
    "500": NAMED,
    "empty": NAMED,
    "truncated": NAMED,
    "broken-off": NAMED,
    "html": NAMED,
    "wrong-total": OUTLIVED,  # an answer without a total to be wrong
    "duplicate-week": OUTLIVED,
    "huge": NAMED,
    "invalid-utf8": NAMED,
}


@dataclass(frozen=True)
class Row:
    """A row of the matrix: whom the fault befalls, in a collection small enough to be quick."""

    source: str
    pattern: str
    frameworks: tuple[str, ...] = ("chainer",)
    since: date | None = None
    until: date | None = None
    expected: Mapping[str, str] = field(default_factory=dict)
    # The days after which the next run asks again what was absent.
    later: int = 2


ROWS = {
    "stars-record": Row("stars", r"/repos/chainer/chainer$", expected={"403-limit": LIMIT}),
    # At a redirect PyGithub loses the query, so that page 2 comes as page 1: its weeks are missing, and that is told.
    "stars-history": Row(
        "stars", r"/history.*[?&]page=2\b", expected={"403-limit": LIMIT, "wrong-total": NAMED, "301": NAMED}
    ),
    "releases": Row("releases", "/releases", ("keras",), expected={"403-limit": LIMIT, "empty": ABSENT}),
    "ranking": Row("ranking", "^/ranking", ("keras",), date(2026, 7, 1), date(2026, 8, 31)),
    "events": Row("events", "^/clickhouse", ("keras",), date(2020, 1, 1), date(2020, 2, 29), {"wrong-total": NAMED}),
    "papers-window": Row(
        "papers", r"^/arxiv.*ti%3A", ("keras",), date(2017, 6, 1), date(2017, 6, 30), {"wrong-total": NAMED}
    ),
    "papers-count": Row(
        "papers", r"^/arxiv.*query=%28cat", ("keras",), date(2017, 6, 1), date(2017, 6, 30), {"wrong-total": BELIEVED}
    ),
    "surveys": Row("surveys", "^/surveys", ("keras",), date(2024, 1, 1), date(2024, 12, 31)),
    "downloads-pypistats": Row(
        "downloads", "^/pypistats", ("chainer",), date(2026, 7, 1), date(2026, 8, 31), {"404": ABSENT}, later=31
    ),
    "downloads-clickhouse": Row(
        "downloads", "^/clickhouse", ("chainer",), date(2020, 1, 1), date(2020, 12, 31), {"wrong-total": NAMED}
    ),
    # A month that is not published yet is answered with 403 or 404. The endless body is the file again and again: its
    # end reads like the file.
    "downloads-conda": Row(
        "downloads",
        "^/conda",
        ("chainer",),
        date(2026, 7, 1),
        date(2026, 7, 31),
        {"403-limit": ABSENT, "404": ABSENT, "huge": OUTLIVED},
        later=8,
    ),
    "questions": Row("questions", "^/stackexchange.*tagged=", ("keras",), date(2019, 1, 1), date(2019, 3, 31)),
}


@pytest.fixture(scope="module")
def world(shared_data: Path) -> Iterator[World]:
    with World(shared_data, NOW) as served:
        yield served


@pytest.fixture
def run(world: World, tmp_path: Path) -> Callable[[Row, int], Outcome]:
    """Collect a row's source in this test's home, `days` after the first time."""
    return lambda row, days: gather(world, tmp_path, row, days)


def gather(world: World, home: Path, row: Row, days: int) -> Outcome:
    settings = Settings(
        home=home,
        raw=home / "raw",
        github_token="world-token",
        **{name: getattr(world, name) for name in ADDRESSES},
        arxiv_delay=0.0,
        timeout=0.8,
        retries=2,
        backoff=0.01,
        max_wait=1.5,
        clock=lambda: NOW + timedelta(days=days),
    )
    known = registry.load(settings)
    chosen = known.choose(row.frameworks)
    outcomes = collect(
        settings, known, [row.source], frameworks=chosen, since=row.since, until=row.until, console=Console(quiet=True)
    )
    return outcomes[0]


ADDRESSES = (
    "github_api", "arxiv_api", "ranking_base", "clickhouse_url", "gharchive_base", "pypistats_api", "conda_base",
    "stackexchange_api", "survey_base",
)  # fmt: skip


ORIGIN = ("response_id", "fetched_at", "read_from", "last_answer_id")


def facts(home: Path, source: str) -> set[str]:
    """Return all rows that the archived answers give, without their origin."""
    found = set()
    for response in Archive(home / "raw").responses(source):
        try:
            for table, row in rows_of(response):
                values = {key: value for key, value in row.items() if key not in ORIGIN}
                found.add(f"{table} {json.dumps(values, sort_keys=True, default=str)}")
        except Rejected:
            continue
    return found


@pytest.fixture(scope="module")
def truth(world: World, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], set[str]]:
    """What an undisturbed collection of a row stores."""

    @cache
    def of(name: str) -> set[str]:
        home = tmp_path_factory.mktemp(name)
        outcome = gather(world, home, ROWS[name], 0)
        assert (outcome.failed, outcome.stopped) == ([], False)
        return facts(home, ROWS[name].source)

    return of


CELLS = [(name, fault, row.expected.get(fault, USUAL[fault])) for name, row in ROWS.items() for fault in FAULTS]


@pytest.mark.parametrize(("name", "fault", "expected"), CELLS, ids=[f"{name}-{fault}" for name, fault, _ in CELLS])
def test_a_fault_is_met_as_the_matrix_says(world, run, truth, tmp_path, name, fault, expected):
    row, wanted = ROWS[name], truth(name)
    assert wanted
    asked_before = world.asked(row.pattern)
    world.fault(**{"pattern": row.pattern, **FAULTS[fault]})
    try:
        outcome = run(row, 0)
    finally:
        world.faults.clear()
    assert world.asked(row.pattern) > asked_before
    stored = facts(tmp_path, row.source)
    if expected == BELIEVED:
        assert (outcome.failed, outcome.noticed) == ([], [])
        return
    assert judged(outcome, complete=stored >= wanted) == expected
    assert stored <= wanted, "something false was stored"
    mended = run(row, row.later)
    assert mended.failed == []
    assert stored <= wanted <= facts(tmp_path, row.source)


def judged(outcome: Outcome, *, complete: bool) -> str:
    """Name what the user is told and has."""
    assert not any("unexpected" in line for line in outcome.failed), outcome.failed
    if outcome.failed:
        assert all(len(line) < 400 and "\n" not in line for line in outcome.failed)
        return NAMED
    if outcome.retry_at:
        assert outcome.left
        return LIMIT
    return OUTLIVED if complete else ABSENT
