"""Where coverage begins and ends: what was not read since is missing up to the last day that could be known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import pytest

from tests.warehouse.source_answers import Sources
from warehouse import registry
from warehouse.build import build
from warehouse.settings import Settings

FRAMEWORK = """
[[framework]]
id = "{0}"
name = "{1}"
colour = "#112233"
first_released_on = 2020-01-10
status = "active"
repositories = [{{ name = "new/{0}" }}]
pypi = ["{0}"]
conda = ["{0}"]
survey_labels = ["{1}"]
"""
CREATED = date(2020, 1, 5)
READ_ON = date(2020, 2, 1)
WEEK, DAY = timedelta(weeks=1), timedelta(days=1)
Periods = Callable[[str, str], list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def periods(tmp_path_factory: pytest.TempPathFactory) -> Periods:
    """Build one warehouse of what is filled in below; return a function from source and subject to periods."""
    folder = tmp_path_factory.mktemp("ends")
    (folder / "three.toml").write_text(
        FRAMEWORK.format("dead", "Deadlib") + FRAMEWORK.format("alive", "Alive") + FRAMEWORK.format("partly", "Partly")
    )
    settings = Settings(home=folder / "home", raw=folder / "home" / "raw", registry_file=folder / "three.toml")
    fill(Sources(settings))
    build(settings, registry.load(settings))

    def rows(source: str, subject: str) -> list[tuple[Any, ...]]:
        sql = """
            select period_start, period_end, state, note
            from fct_coverage
            where source = $1 and subject = $2
            order by period_start
        """
        with duckdb.connect(str(settings.database), read_only=True) as connection:
            return connection.execute(sql, [source, subject]).fetchall()

    return rows


def fill(sources: Sources) -> None:
    """Read `dead` in 2020 alone; `alive` and `partly` on 10 March 2027, five hours into the UTC day."""
    sources.now = datetime(2020, 2, 1, 12)
    sources.record("new/dead", 28, created=CREATED)
    for number in range(4):
        sources.week("new/dead", CREATED + WEEK * number, [1] * 7)
    sources.releases("new/dead", ("v1", "2020-01-10", False, False))
    sources.pypistats("dead", {CREATED + DAY * number: 5 for number in range(20)})
    sources.conda("2020-01", "dead", 1, 1)
    began = sources.now
    sources.record("new/partly", 1, created=CREATED)
    sources.releases("new/partly", ("v1", "2020-01-10", False, False))
    sources.releases_read("new/partly", began, "all")
    sources.now = datetime(2027, 3, 10, 5)
    began = sources.now
    sources.record("new/alive", 7, created=date(2027, 2, 28))
    sources.releases("new/alive", ("v1", "2027-03-05", False, False))
    sources.releases_read("new/alive", began, "all")
    sources.releases("new/partly", ("v9", "2027-01-31", False, False), ("v8", "2026-12-31", False, False))
    sources.week("new/alive", date(2027, 2, 28), [1] * 7)
    sources.week("new/alive", date(2027, 3, 7), [0] * 7)
    # The last day of the outage and the first after it.
    sources.clickhouse("alive", date(2018, 7, 25), date(2018, 7, 27), {date(2018, 7, 25): 9, date(2018, 7, 26): 90})
    sources.survey("stackoverflow", 2022, {"all respondents": {"base": 9, "labels": {"Alive": 3}}})
    sources.survey("kaggle", 2020, {"all respondents": {"base": 9, "labels": {"Alive": 3}}})


def test_stars_not_read_since_are_missing_up_to_yesterday_in_california(periods: Periods) -> None:
    assert periods("stars", "new/dead") == [
        (CREATED, READ_ON, "observed", None),
        (date(2020, 2, 2), date(2027, 3, 8), "missing", "not read since"),
    ]
    newest = [(date(2027, 2, 28), date(2027, 3, 9), "observed", None)]
    assert periods("stars", "new/alive") == newest, "read while it was still the 9th there"


def test_downloads_not_read_since_are_missing_up_to_what_their_provider_has_to_tell(periods: Periods) -> None:
    assert periods("downloads", "pypistats dead")[-2:] == [
        (CREATED, date(2020, 1, 24), "observed", None),
        (date(2020, 1, 25), date(2027, 3, 8), "missing", "not read since"),
    ]
    assert periods("downloads", "conda dead") == [
        (date(2020, 1, 1), date(2020, 1, 31), "observed", None),
        (date(2020, 2, 1), date(2026, 12, 31), "missing", "not read since"),
    ]


def test_downloads_in_an_outage_are_of_that_state_and_those_after_it_are_observed(periods: Periods) -> None:
    lost, *others = periods("downloads", "clickhouse alive")
    assert lost[:3] == (date(2016, 1, 1), date(2018, 7, 25), "outage")
    assert others == [
        (date(2018, 7, 26), date(2018, 7, 26), "observed", None),
        (date(2018, 7, 27), date(2026, 9, 10), "missing", "not read since"),
    ]


def test_surveys_are_missing_from_the_first_that_asked_to_the_last_and_not_asked_since(periods: Periods) -> None:
    unread = "no figure of these years was read"
    assert periods("surveys", "kaggle Alive") == [
        (date(2018, 1, 1), date(2019, 12, 31), "missing", unread),
        (date(2020, 1, 1), date(2020, 12, 31), "observed", None),
        (date(2021, 1, 1), date(2022, 12, 31), "missing", unread),
    ]
    assert periods("surveys", "stackoverflow Alive") == [
        (date(2017, 1, 1), date(2021, 12, 31), "missing", unread),
        (date(2022, 1, 1), date(2022, 12, 31), "observed", None),
        (date(2023, 1, 1), date(2024, 12, 31), "missing", unread),
        (date(2025, 1, 1), date(2025, 12, 31), "not_asked", None),
        (date(2026, 1, 1), date(2026, 12, 31), "not_asked", None),
    ]


def test_releases_are_known_since_the_creation_only_where_the_list_was_read_whole(periods: Periods) -> None:
    assert periods("releases", "new/dead") == [
        (CREATED, date(2020, 1, 10), "missing", "older releases were not read yet"),
        (date(2020, 1, 11), READ_ON, "observed", None),
        (date(2020, 2, 2), date(2027, 3, 9), "missing", "not read since"),
    ]
    assert periods("releases", "new/alive") == [(date(2027, 2, 28), date(2027, 3, 10), "observed", None)]


def test_pages_that_do_not_reach_back_to_a_list_read_whole_leave_a_gap_in_the_releases(periods: Periods) -> None:
    assert periods("releases", "new/partly") == [
        (CREATED, READ_ON, "observed", None),
        (date(2020, 2, 2), date(2026, 12, 31), "missing", "older releases were not read yet"),
        (date(2027, 1, 1), date(2027, 3, 10), "observed", None),
    ]
