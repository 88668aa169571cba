"""Coverage of a collection of every source over HTTP: of each subject, of each day once, and as the facts have it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest
from rich.console import Console

from collectors import downloadplan, events, paperplan, questions, ranking, sources
from collectors.runner import collect
from tests.collectors.conftest import NOW
from tests.world import World
from warehouse import registry
from warehouse.build import build
from warehouse.registry import Registry
from warehouse.settings import Settings

FRAMEWORKS = ("chainer", "keras")
STATES = {"observed", "zero", "missing", "not_asked", "outage"}
DAY = timedelta(days=1)


class Period(NamedTuple):
    source: str
    subject: str
    start: date | None
    end: date | None
    state: str


class Covered(NamedTuple):
    """The published file of the collection, opened; its registry; all its periods."""

    database: duckdb.DuckDBPyConnection
    registry: Registry
    periods: list[Period]

    def days(self, source: str, subject: str, *states: str) -> set[date]:
        """The days of a source and subject that have one of the states."""
        found = [period for period in self.periods if period[:2] == (source, subject) and period.state in states]
        return {
            start + DAY * n for _, _, start, end, _ in found if start and end for n in range((end - start).days + 1)
        }

    def facts(self, sql: str) -> dict[str, set[date]]:
        """The days that a query gives, by its first column."""
        found: dict[str, set[date]] = {}
        for subject, day in self.database.execute(sql).fetchall():
            found.setdefault(subject, set()).add(day)
        return found


@pytest.fixture(scope="module")
def covered(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Covered]:
    """Collect every source for two frameworks from the world, build, and open the file."""
    home = tmp_path_factory.mktemp("coverage")
    with World(shared_data, NOW) as world:
        addresses = (
            "github_api", "arxiv_api", "ranking_base", "clickhouse_url", "gharchive_base", "pypistats_api",
            "conda_base", "stackexchange_api", "survey_base",
        )  # fmt: skip
        short = {"arxiv_delay": 0.0, "timeout": 5.0, "retries": 2, "backoff": 0.01, "max_wait": 1.5}
        settings = Settings(home=home, raw=home / "raw", github_token="world-token", clock=lambda: NOW)
        settings = replace(settings, **short, **{name: getattr(world, name) for name in addresses})
        known = registry.load(settings)
        collect(
            settings, known, list(sources.SOURCES), frameworks=known.choose(FRAMEWORKS), console=Console(quiet=True)
        )
    build(settings, known)
    with duckdb.connect(str(settings.database), read_only=True) as database:
        rows = database.execute("select source, subject, period_start, period_end, state from fct_coverage").fetchall()
        yield Covered(database, known, [Period(*row) for row in rows])


def subjects(known: Registry) -> dict[str, set[str]]:
    """What each source tells of, by the registry; surveys apart, whose labels are the surveys' own."""
    frameworks = known.frameworks.values()
    repos = {repo.name for framework in frameworks for repo in framework.repositories}
    pypi = {package for framework in frameworks for package in framework.pypi}
    conda = {f"conda {package}" for framework in frameworks for package in framework.conda}
    return {
        "stars": repos,
        "ranking": {"*"},
        "events": repos,
        "papers": {framework.id for framework in frameworks if framework.arxiv_query} | {"ml_papers totals"},
        "downloads": {f"{provider} {name}" for provider in ("pypistats", "clickhouse") for name in pypi} | conda,
        "questions": {framework.id for framework in frameworks if framework.stackoverflow_tags} | {"all questions"},
        "releases": repos,
    }


def test_every_source_tells_of_each_of_its_subjects_in_the_registry(covered: Covered) -> None:
    told: dict[str, set[str]] = {}
    for period in covered.periods:
        if period.state != "outage":
            told.setdefault(period.source, set()).add(period.subject)
    assert set(sources.SOURCES) == told.keys()
    labels = "select distinct concat_ws(' ', survey, label) from fct_survey_shares"
    surveys = {label for (label,) in covered.database.execute(labels).fetchall()}
    surveys |= {f"paperswithcode {one.id}" for one in covered.registry.frameworks.values() if one.paperswithcode}
    assert told == subjects(covered.registry) | {"surveys": surveys}


def test_every_state_occurs_and_no_other(covered: Covered) -> None:
    assert {period.state for period in covered.periods} == STATES


def test_no_day_of_a_subject_has_two_states(covered: Covered) -> None:
    seen: dict[tuple[str, str], list[tuple[date, date]]] = {}
    for source, subject, start, end, _ in covered.periods:
        seen.setdefault((source, subject), []).append((start or date.min, end or date.max))
    twice = [
        (subject, one, other)
        for subject, periods in seen.items()
        for one, other in pairwise(sorted(periods))
        if other[0] <= one[1]
    ]
    assert twice == []


def test_between_its_first_and_last_day_a_subject_has_a_state_on_every_day(covered: Covered) -> None:
    holes = []
    for source, subject in {period[:2] for period in covered.periods if period.state != "outage"}:
        told = covered.days(source, subject, *STATES)
        lost = covered.days(source, "*", "outage")
        if not told:
            continue
        first, last = min(told), max(told)
        lacking = {first + DAY * n for n in range((last - first).days)} - told - lost
        if lacking:
            holes.append((source, subject, min(lacking), len(lacking)))
    assert holes == []


@pytest.mark.parametrize(
    ("source", "facts"),
    [
        ("stars", "select repo_id, day from fct_stars where estimator = 'retained'"),
        ("events", "select repo_id, day from fct_stars where estimator = 'gross'"),
        ("downloads", "select source || ' ' || package, day from fct_downloads where granularity = 'day'"),
        (
            "questions",
            "select framework_id, day::date from (select framework_id, unnest(generate_series("
            "month, last_day(month), interval 1 day)) as day from fct_questions_monthly "
            "union select 'all questions', unnest(generate_series(month, last_day(month), interval 1 day)) "
            "from fct_questions_monthly where total is not null)",
        ),
        (
            "papers",
            "select framework_id, day::date from (select framework_id, unnest(generate_series("
            "month, last_day(month), interval 1 day)) as day from fct_mentions_monthly where base = 'any_framework' "
            "union select 'ml_papers totals', unnest(generate_series(month, last_day(month), interval 1 day)) "
            "from fct_mentions_monthly where base = 'ml_papers' and measure = 'title_abstract')",
        ),
    ],
)
def test_the_days_that_are_observed_or_zero_are_those_that_have_a_fact(
    covered: Covered, source: str, facts: str
) -> None:
    days = covered.facts(facts)
    assert days, "two frameworks were collected"
    assert {subject: covered.days(source, subject, "observed", "zero") for subject in days} == days
    others = {period.subject for period in covered.periods if period.source == source} - days.keys()
    months = {subject for subject in others if subject.startswith("conda ")}
    assert {subject for subject in others - months if covered.days(source, subject, "observed", "zero")} == set()


def test_a_month_of_papers_is_zero_where_none_was_found_and_missing_where_it_was_not_asked(covered: Covered) -> None:
    sql = (
        "select month, papers > 0 from fct_mentions_monthly where framework_id = 'chainer' and base = 'any_framework'"
        " and measure = 'title_abstract'"
    )
    states = {True: "observed", False: "zero"}
    asked = {month: states[named] for month, named in covered.database.execute(sql).fetchall()}
    told = {period.start: period.state for period in covered.periods if period[:2] == ("papers", "chainer")}
    assert {start: state for start, state in told.items() if state in states.values()} == asked
    assert set(asked.values()) == {"observed", "zero"}
    first = covered.registry.frameworks["theano"].first_released_on.replace(month=1, day=1)
    never = [period for period in covered.periods if period[:2] == ("papers", "theano")]
    assert never == [Period("papers", "theano", first, date(2026, 8, 31), "missing")]


def test_coverage_begins_where_the_collectors_begin(covered: Covered) -> None:
    def first(source: str, subject: str) -> date:
        return min(start for one, other, start, *_ in covered.periods if (one, other) == (source, subject) and start)

    keras = covered.registry.frameworks["keras"]
    repo = keras.repositories[0].name
    ((created,),) = covered.database.execute("select created_on from dim_repos where repo_id = $1", [repo]).fetchall()
    assert first("stars", repo) == first("releases", repo) == created
    assert first("events", repo) == max(created, events.FIRST)
    assert first("ranking", "*") == ranking.FIRST
    assert first("downloads", "conda keras") == downloadplan.FIRST_MONTH > keras.first_released_on
    assert first("downloads", "clickhouse keras") == date(downloadplan.FIRST_YEAR, 1, 1) > keras.first_released_on
    assert first("questions", "all questions") == questions.FIRST_MONTH
    assert date(2008, 1, 1) <= first("papers", "ml_papers totals") <= paperplan.FIRST_MONTH


def test_what_a_source_still_has_to_be_asked_for_is_missing(covered: Covered) -> None:
    def months(sql: str) -> set[date]:
        return {month for (month,) in covered.database.execute(sql).fetchall()}

    def missing(source: str, subject: str) -> set[date]:
        return {day for day in covered.days(source, subject, "missing") if day.day == 1}

    every = set(paperplan.months(NOW.date(), None, None))
    left = every - months("select month from hist_paper_counts where known_to is null")
    assert missing("papers", "ml_papers totals") == left != set()
    read = months("select day from fct_downloads where source = 'conda' and package = 'keras'")
    left = {month for month in every if downloadplan.FIRST_MONTH <= month < max(read)} - read
    assert missing("downloads", "conda keras") == left != set()
