"""A world server, settings with short waits against it, and the facts that the raw archive gives."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from collectors import sources
from collectors.base import Outcome, Plan
from collectors.imports import KINDS, import_files
from collectors.runner import collect, open_context
from tests.collectors import series
from tests.world import World
from warehouse import registry
from warehouse.parse import Rejected, rows_of
from warehouse.raw import Archive
from warehouse.settings import Settings

NOW = datetime(2026, 9, 11, 15, 22, 39)
TOOLOG = """
[[framework]]
id = "toolog"
name = "Toolog"
colour = "#123456"
first_released_on = 2026-08-31
status = "active"
repositories = [{ name = "zaghaghi/toolog" }]
"""

QUIET = Console(quiet=True)
# What of a call's keywords is about one collection; the others change settings.
CHOICE = ("since", "until", "every", "only_due")
Gather = Callable[..., Outcome]


@pytest.fixture
def world(shared_data: Path) -> Iterator[World]:
    with World(shared_data, NOW) as served:
        yield served


@pytest.fixture
def settings(world: World, tmp_path: Path) -> Settings:
    home = tmp_path / "home"
    home.mkdir()
    (home / "frameworks.toml").write_text(TOOLOG, "utf-8")
    return Settings(
        home=home,
        raw=home / "raw",
        github_token="world-token",
        github_api=world.github_api,
        arxiv_api=world.arxiv_api,
        ranking_base=world.ranking_base,
        clickhouse_url=world.clickhouse_url,
        gharchive_base=world.gharchive_base,
        pypistats_api=world.pypistats_api,
        conda_base=world.conda_base,
        stackexchange_api=world.stackexchange_api,
        survey_base=world.survey_base,
        arxiv_delay=0.0,
        timeout=1.0,
        retries=2,
        backoff=0.01,
        max_wait=1.5,
        clock=lambda: NOW,
    )


@pytest.fixture
def gather(settings: Settings) -> Gather:
    """Collect one source for the named frameworks, with settings changed by keyword; each run a minute later."""
    starts = itertools.count()

    def run(source: str, frameworks: Sequence[str] = ("chainer",), **changes: Any) -> Outcome:
        start = NOW + timedelta(minutes=next(starts))
        changes.setdefault("clock", lambda: start)
        choice = {key: changes.pop(key) for key in CHOICE if key in changes}
        chosen = replace(settings, **changes)
        known = registry.load(chosen)
        return collect(chosen, known, [source], frameworks=known.choose(frameworks), console=QUIET, **choice)[0]

    return run


@pytest.fixture
def due(gather: Gather, settings: Settings) -> Gather:
    """Collect one source by --due, so many hours after NOW; for all frameworks when none is named."""

    def run(source: str, hours: float, frameworks: Sequence[str] | None = None, **choice: Any) -> Outcome:
        everyone = list(registry.load(settings).frameworks)
        at = NOW + timedelta(hours=hours)
        return gather(source, frameworks or everyone, only_due=True, clock=lambda: at, **choice)

    return run


@pytest.fixture
def planned(settings: Settings) -> Callable[..., Plan]:
    """What one source would ask now, for all frameworks when none is named; keywords are those of `gather`."""

    def read(source: str, frameworks: Sequence[str] | None = None, **changes: Any) -> Plan:
        choice = {key: changes.pop(key) for key in CHOICE if key in changes}
        chosen = replace(settings, **changes)
        known = registry.load(chosen)
        choice["frameworks"] = known.choose(frameworks)
        with open_context(chosen, known, [source], console=QUIET, **choice) as context:
            return sources.plan(source, context)

    return read


@pytest.fixture
def bring(settings: Settings) -> Gather:
    """Import files or addresses of a kind, with settings changed by keyword."""

    def run(kind: str, *names: Path | str, **changes: Any) -> Outcome:
        chosen = replace(settings, **changes)
        with open_context(chosen, registry.load(chosen), [KINDS[kind][0]], console=QUIET) as context:
            return import_files(context, kind, [str(name) for name in names])

    return run


@pytest.fixture
def rows(settings: Settings) -> Callable[[str], list[dict[str, Any]]]:
    """All rows of one table that the archived answers give, oldest first; rejected answers give none."""

    def read(table: str) -> list[dict[str, Any]]:
        found = []
        for response in Archive(settings.raw).responses():
            try:
                found += [row for name, row in rows_of(response) if name == table]
            except Rejected:
                continue
        return found

    return read


@pytest.fixture
def days(settings: Settings) -> Callable[[str], dict[Any, int]]:
    """The newest telling of each day of a repository's star history, as the warehouse reads it."""
    return lambda repo_id: series.stars(settings.raw, repo_id)


@pytest.fixture
def archived(settings: Settings) -> Callable[..., list[Any]]:
    """The archived answers of a source, with their statuses."""
    return lambda source: [answer for answer in Archive(settings.raw).responses(source) if answer.status is not None]
