"""As of any instant, the macros equal the marts made of the answers archived by then: random answers, random times."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.warehouse import memory_build
from warehouse import registry
from warehouse.build import build
from warehouse.parse.tables import Row
from warehouse.settings import Settings

REGISTRY = """
[[framework]]
id = "toolog"
name = "Toolog"
colour = "#112233"
first_released_on = 2020-01-10
status = "active"
repositories = [{ name = "new/toolog", formerly = ["old/toolog"] }]
pypi = ["toolog", "toolog-gpu"]
stackoverflow_tags = ["toolog"]
survey_labels = ["Toolog"]
arxiv = { query = ["Toolog"], rules = [{ match = 'Toolog' }] }

[[framework]]
id = "other"
name = "Other"
colour = "#445566"
first_released_on = 2020-01-10
status = "active"
repositories = [{ name = "some/other" }]
pypi = ["other"]
stackoverflow_tags = ["other"]
survey_labels = ["Other"]
arxiv = { query = ["Othertool"], rules = [{ match = 'Othertool', beside_framework = true }] }
"""
START = datetime(2027, 3, 10, 12)
HOURS = (0, 1, 20, 24, 25, 24 * 7, 24 * 40)
INSTANTS = [START + timedelta(hours=hours) for hours in HOURS]
LONG_AGO = date(2024, 12, 20)
LABELS, VERSIONS = ("Toolog", "Other", "Third"), ("v1", "v2", "v3")
REPOS, NAMES = ("new/toolog", "some/other"), ("new/toolog", "old/toolog", "some/other", "third/Name", "fourth/name")
BORN, SUNDAY = date(2027, 3, 5), date(2027, 2, 28)
Facts = list[Row]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> memory_build.Models:
    folder = tmp_path_factory.mktemp("models")
    (folder / "two.toml").write_text(REGISTRY)
    chosen = Settings(home=folder / "home", raw=folder / "raw", registry_file=Path(folder / "two.toml"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DBT_WRITE_JSON", "true")  # the compiled models, which an ordinary build does not write down
        build(chosen, registry.load(chosen))
    return memory_build.load(chosen.home)


def record(repo: str, stars: int, name: str | None, archived: bool, github_id: int) -> Facts:
    counts = dict.fromkeys(("forks", "open_issues", "watchers"), 1)
    told = {"repo_id": repo, "stars": stars, "full_name": name or repo, "archived": archived, "github_id": github_id}
    return [("repo_records", {**told, **counts, "pushed_at": None, "created_on": BORN})]


def week(repo: str, number: int, days: list[int]) -> Facts:
    return [("star_weeks", {"repo_id": repo, "week": SUNDAY + timedelta(weeks=number), "days": days})]


def ranking(name: str, day: int, stars: int) -> Facts:
    counts = {"forks": 1, "open_issues": 1}
    return [
        ("ranked_repos", {"day": BORN + timedelta(day - 366 * (day % 2)), "full_name": name, "stars": stars, **counts})
    ]


def events(names: set[str], first: int, days: int, stars: int) -> Facts:
    start = date(2024, 5, 1) + timedelta(first)
    window = {"provider": "clickhouse", "hour": None}
    found = {"repo_name": min(names), "day": start, "stars": stars}
    ends = {"window_start": start, "window_end": start + timedelta(days), "repo_names": sorted(names)}
    return [("event_windows", {**window, **ends}), ("star_events", {**window, **found})]


def downloads(package: str, last: int, each: int, odd: int) -> Facts:
    about = {"provider": "pypistats", "package": package, "granularity": "day", "mirrors": False}
    days = [date(2027, 3, 1) - timedelta(n - last) for n in range(32)]
    return [
        ("package_downloads", {**about, "day": day, "downloads": odd if n == 3 else each}) for n, day in enumerate(days)
    ]


def questions(tag: str | None, month: int, number: int) -> Facts:
    return [("question_counts", {"tag": tag, "month": date(2027, month, 1), "questions": number})]


def paper(number: int, title: str, abstract: str) -> Facts:
    told = {"submitted_on": date(2026 - number % 2, 1 + number, 5), "title": title, "abstract": abstract}
    told |= {"primary_category": "cs.LG", "categories": ["cs.LG"]}
    return [("papers", {"arxiv_id": f"2601.{number:05d}", **told})]


def window(terms: set[str], first: date, last: date, missing: int) -> Facts:
    query = " OR ".join(f'ti:"{term}"' for term in sorted(terms))
    ends = {"window_start": first, "window_end": last}
    return [("paper_windows", {**ends, "query": query, "total": 5, "received": 5 - missing})]


def paper_counts(papers: int, first: int) -> Facts:
    months = [date(2025 + n // 12, n % 12 + 1, 1) for n in range(26)]
    return [("paper_counts", {"month": month, "papers": papers + n}) for n, month in enumerate(months) if n >= first]


def survey(year: int, options: dict[str, int]) -> Facts:
    about = {"survey": "stackoverflow", "year": year, "population": "all respondents", "source_url": "https://s/"}
    if not options:
        empty = dict.fromkeys(("label", "respondents", "base"))
        return [("survey_answers", {**about, **empty, "asked": False})]
    counts = {"base": 100, "asked": True}
    return [("survey_answers", {**about, **counts, "label": name, "respondents": n}) for name, n in options.items()]


def releases(repo: str, versions: dict[str, tuple[int, bool]]) -> Facts:
    return [
        ("releases", {"repo_id": repo, "version": name, "released_on": BORN + timedelta(day), "is_prerelease": early})
        for name, (day, early) in versions.items()
    ]


TEXTS = ("", "Toolog", "Othertool", "Toolog and Othertool")
READINGS: tuple[Callable[[Random], Any], ...] = (
    lambda one: record(one.choice(REPOS), one.randint(5, 9), one.choice((None, None, "third/Name", "fourth/name")),
                       one.random() < 0.2, one.choice((7, 7, 7, 8))),
    lambda one: week(one.choice(REPOS), one.randint(0, 4), [one.randint(0, 2) for _ in range(7)]),
    lambda one: ranking(one.choice(NAMES), one.randint(0, 1), one.randint(1, 9)),
    lambda one: events(set(one.sample(NAMES, one.randint(2, 5))), one.randint(0, 1), one.randint(0, 3),
                       one.randint(0, 2)),
    lambda one: downloads(one.choice(("toolog", "toolog_GPU", "other")), one.randint(0, 1), one.randint(1, 2),
                          one.randint(1, 2)),
    lambda one: questions(one.choice((None, "toolog", "Other")), one.randint(1, 4), one.randint(1, 9)),
    lambda one: paper(one.randint(0, 3), one.choice(TEXTS), one.choice(TEXTS)),
    lambda one: window({"Toolog", *one.sample(("Othertool",), one.randint(0, 1))},
                       one.choice((LONG_AGO, date(2026, 1, 1))),
                       one.choice((date(2027, 2, 28), date(2027, 3, 31), date(2026, 6, 30))), one.random() < 0.2),
    lambda one: paper_counts(one.randint(10, 12), one.choice((0, 14))),
    lambda one: survey(one.choice((2025, 2026)),
                       {name: one.randint(0, 3) for name in one.sample(LABELS, one.randint(0, 3))}),
    lambda one: releases(one.choice(REPOS),
                         {name: (one.randint(0, 1), one.random() < 0.3) for name in one.sample(VERSIONS, 2)}),
    lambda one: one.choice(("whole list", "confirmed", "unknown package")),
)  # fmt: skip


def some_readings(seed: int) -> list[tuple[datetime, bool, Any]]:
    """Thirty to ninety readings of all kinds, with the instants at which they came and a flag."""
    one = Random(seed)
    kinds = [kind for kind in READINGS for _ in range(2)] + one.choices(READINGS, k=one.randint(6, 66))
    return [(one.choice(INSTANTS), one.random() < 0.3, kind(one)) for kind in kinds]


def archived(readings: list[tuple[datetime, bool, Any]]) -> list[tuple[datetime, Row]]:
    """Every parsed row with the time of its answer, each answer with an id of its own, in the order of time."""
    rows: list[tuple[datetime, Row]] = []
    weeks: Facts = []
    for number, (at, flag, reading) in enumerate(sorted(readings, key=lambda one: one[0])):
        facts, answer = (weeks, {}) if reading == "confirmed" else _facts(reading, at, flag)
        weeks = facts if facts and facts[0][0] == "star_weeks" else weeks
        origin = {"response_id": f"{at:%Y%m%dT%H%M%S}-{number:05d}", "fetched_at": at}
        about = {"source": "x", "subject": "x", "run_id": f"{number}", "status": 200, "bytes": 1, "body_sha256": ""}
        rows += [(at, (table, {**values, **_days_over(values, at), **origin})) for table, values in facts]
        rows += [(at, ("responses", {**about, **answer, **origin}))]
    return rows


def _facts(reading: Any, at: datetime, flag: bool) -> tuple[Facts, dict[str, Any]]:
    """The facts of a reading and what its answer says of itself."""
    if reading == "unknown package":
        return [], {"status": 404, "source": "downloads", "subject": "toolog-gpu"}
    if reading == "whole list":
        listed = {"repo_id": REPOS[flag], "is_whole": True, "read_from": at - timedelta(hours=2)}
        return [("release_lists", listed)], {}
    is_snapshot = flag and reading and reading[0][0] == "papers"
    return reading, {"subject": "snapshot:x"} if is_snapshot else {}


def _days_over(values: dict[str, Any], at: datetime) -> dict[str, int]:
    """Of a week, the days that are over in California, as the parsed store counts them."""
    if "days" not in values:
        return {}
    return {"days_over": min(7, max(-1, ((at - timedelta(hours=8)).date() - values["week"]).days))}


def compare(models: memory_build.Models, seed: int, offset: timedelta) -> None:
    """Build the warehouse of all answers, and one for each instant (moved by `offset`) of the answers by then."""
    rows = archived(some_readings(seed))
    with models.build(row for _, row in rows) as whole:
        for instant in sorted({at for at, _ in rows}):
            at = instant + offset
            with models.build(row for known_at, row in rows if known_at <= at) as then:
                assert memory_build.differences(whole, at, then) == []
        assert memory_build.differences(whole, datetime.max, whole) == []
        assert memory_build.known_too_early(whole) == []


SEEDS = st.integers(0, 2**32)
OFFSETS = st.sampled_from([timedelta(), timedelta(seconds=-1), timedelta(minutes=5)])


@settings(max_examples=3, deadline=None)
@given(SEEDS, OFFSETS)
def test_as_of_an_instant_is_what_a_warehouse_of_the_answers_by_then_holds(
    models: memory_build.Models, seed: int, offset: timedelta
) -> None:
    compare(models, seed, offset)


@pytest.mark.long
@settings(max_examples=30, deadline=None)
@given(SEEDS, OFFSETS)
def test_as_of_an_instant_is_what_a_warehouse_of_the_answers_by_then_holds_thirty_times(
    models: memory_build.Models, seed: int, offset: timedelta
) -> None:
    compare(models, seed, offset)


def test_that_the_index_knows_no_such_package_is_known_since_it_said_so(models: memory_build.Models) -> None:
    told, refused = INSTANTS[0], INSTANTS[3]
    rows = archived([(told, False, downloads("toolog", 0, 2, 2)), (refused, False, "unknown package")])
    figure = "select downloads_30d from frameworks_as_of(?) where framework_id = 'toolog'"
    with models.build(row for _, row in rows) as warehouse:
        known = [warehouse.execute(figure, [at]).fetchall() for at in (told, refused)]
    assert known == [[(None,)], [(60,)]], "until then toolog-gpu may be a part of the sum"
