"""The marts of ranking, events, downloads, questions, releases and surveys, built on answers in the sources' form."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.warehouse.source_answers import CREATED, NOW, Sources
from warehouse import registry
from warehouse.build import build
from warehouse.settings import Settings

# Frameworks that dlpulse never heard of: nothing in the marts knows one by name.
REGISTRY = """
[[framework]]
id = "toolog"
name = "Toolog"
colour = "#112233"
first_released_on = 2020-01-10
status = "active"
repositories = [{ name = "new/toolog", formerly = ["old/toolog"] }]
pypi = ["toolog", "Toolog_GPU", "misspelt"]
conda = ["toolog"]
stackoverflow_tags = ["toolog", "toolog-gpu"]
survey_labels = ["Torch/PyTorch", "Toolog"]
paperswithcode = ["tl", "tl2"]

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
paperswithcode = ["never-in-the-archive"]
"""
Read = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Read:
    """Build one warehouse of everything below, and return a function from SQL to rows."""
    folder = tmp_path_factory.mktemp("sources")
    (folder / "two.toml").write_text(REGISTRY)
    settings = Settings(home=folder / "home", raw=folder / "home" / "raw", registry_file=folder / "two.toml")
    fill(Sources(settings))
    build(settings, registry.load(settings))

    def rows(sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(settings.database), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    return rows


def fill(sources: Sources) -> None:
    """Archive what all tests here read."""
    fill_stars(sources)
    fill_downloads(sources)
    fill_questions(sources)
    fill_releases(sources)
    fill_surveys(sources)


def fill_stars(sources: Sources) -> None:
    sources.record("new/toolog", 500, "New/Toolog")
    sources.record("some/other", 90)
    sources.ranking(date(2019, 12, 30), {"x/y": 5})
    sources.ranking(date(2019, 12, 31), None)
    sources.ranking(date(2020, 2, 1), {"OLD/toolog": 40, "x/y": 5})
    sources.ranking(date(2020, 2, 2), {"old/toolog": 3, "NEW/Toolog": 45})
    # GitHub writes today's name with a capital: events may stand under all three.
    both = ["new/toolog", "old/toolog", "New/Toolog"]
    # Created on 2 January: the day before belongs to something else of that name.
    early = [("old/toolog", date(2020, 1, 1), 9), ("old/toolog", date(2020, 1, 2), 2), ("New/Toolog", CREATED, 1)]
    sources.events(both, date(2020, 1, 1), date(2020, 1, 4), [*early, ("old/toolog", date(2020, 1, 4), 4)])
    # A window of one name alone covers no day; the answer of the other name completes it, five minutes later.
    sources.events(["new/toolog", "New/Toolog"], date(2020, 1, 5), date(2020, 1, 6))
    sources.events(["old/toolog"], date(2020, 1, 5), date(2020, 1, 5), [("old/toolog", date(2020, 1, 5), 7)])
    # After a gap.
    sources.events(both, date(2020, 1, 8), date(2020, 1, 8), [("new/toolog", date(2020, 1, 8), 1)])
    # The names of the registry alone are not all names.
    sources.events(
        ["new/toolog", "old/toolog"], date(2020, 1, 9), date(2020, 1, 9), [("new/toolog", date(2020, 1, 9), 5)]
    )
    # Days of the outage since 2025-05-23 are no facts.
    sources.events(both, date(2025, 5, 22), date(2025, 5, 23), [("new/toolog", date(2025, 5, 23), 1)])
    sources.hours(date(2020, 1, 3), range(24), both, {"new/toolog": 1})
    sources.hours(date(2020, 1, 4), range(23), both, {"new/toolog": 1})


def fill_downloads(sources: Sources) -> None:
    days = [date(2026, 10, 1) + timedelta(n) for n in range(40)]
    sources.pypistats("toolog", dict.fromkeys(days, 100))
    sources.pypistats("Toolog_GPU", dict.fromkeys(days[:-1], 10))
    sources.pypistats("toolog", {day: 101 if day == days[0] else 100 for day in days[:2]})
    sources.pypistats("other", {day: 7 for day in days if day != days[20]})
    sources.answer("downloads", "misspelt", b"404", 404, kind="pypistats", package="misspelt", mirrors=False)
    sources.clickhouse("Toolog_GPU", date(2026, 1, 1), date(2026, 11, 1), {})
    sources.clickhouse("toolog", date(2026, 10, 1), date(2026, 11, 1), {date(2026, 10, 1): 999})
    for month, number in (("2026-07", 5), ("2026-08", 6), ("2026-10", 0)):
        sources.conda(month, "toolog", number, 2 * number)


def fill_questions(sources: Sources) -> None:
    for tag, month, total in (
        (None, "2026-08", 1000),
        (None, "2026-09", 800),
        ("toolog", "2026-08", 40),
        ("toolog-gpu", "2026-08", 10),
        ("toolog", "2026-09", 30),
        ("toolog", "2026-10", 20),
        ("toolog-gpu", "2026-10", 0),
        ("other", "2026-08", 0),
        ("other", "2026-09", 0),
        ("toolog", "2026-08", 50),
        ("toolog", "2026-11", 3),
    ):
        sources.questions(tag, month, total)


def fill_releases(sources: Sources) -> None:
    older = ("v1.0", "2020-01-10", False, False)
    sources.releases("new/toolog", ("v1.9", "2025-01-01", False, False), ("v0.9", "2020-01-04", False, False))
    sources.releases("new/toolog", ("v2.0rc1", "2026-01-01", False, True), older, ("draft", "2026-01-01", True, False))
    # v1.9 and v0.9 were withdrawn; a reading that stopped at a known release says nothing about older ones.
    sources.releases_read("new/toolog", sources.now, "all")
    sources.releases_read("new/toolog", sources.now + timedelta(seconds=30), "newest")
    sources.releases("new/toolog", ("v2.0", "2026-01-30", False, False), ("v2.0rc1", "2026-01-02", False, True))
    began = sources.now
    sources.releases("some/other")
    sources.releases_read("some/other", began, "all")


def fill_surveys(sources: Sources) -> None:
    developers = {"base": 400, "labels": {"TensorFlow": 50, "Torch/PyTorch": 40, "Hadoop": 10}}
    sources.survey("stackoverflow", 2022, {"all respondents": {"base": 500, "labels": {"Torch/PyTorch": 1}}})
    sources.survey(
        "stackoverflow",
        2022,
        {"all respondents": {"base": 1000, "labels": {"Torch/PyTorch": 80}}, "professional developers": developers},
    )
    sources.survey("stackoverflow", 2025, {})
    sources.implementations({"2020-06": {"tl": 999}})
    sources.implementations({"2020-06": {"tl": 4, "tl2": 1, "none": 15}, "2020-07": {"none": 10}})


GROSS = "select day, stars_added, stars from fct_stars where estimator = 'gross' and repo_id = 'new/toolog'"


def test_gross_stars_are_events_under_all_names_on_days_read_to_the_end(read: Read) -> None:
    days = [
        (date(2020, 1, 2), 3, 3),
        (date(2020, 1, 3), 0, 3),
        (date(2020, 1, 4), 4, 7),
        (date(2020, 1, 5), 7, 14),
        (date(2020, 1, 8), 1, None),
        (date(2025, 5, 22), 0, None),
    ]
    assert read(f"{GROSS} and source = 'clickhouse' order by day") == days, "nor a day before it was created"


def test_an_hour_files_day_counts_when_all_24_hours_are_there_and_never_with_clickhouse(read: Read) -> None:
    assert read(f"{GROSS} and source = 'gharchive'") == [(date(2020, 1, 3), 24, None)]


def test_a_day_is_known_since_the_last_of_its_names_was_read(read: Read) -> None:
    known = "select known_at, subject from fct_stars join meta_responses using (response_id) where estimator = 'gross'"
    (known_at, subject), *_ = read(f"{known} and day = '2020-01-05'")
    assert subject == "events:2020-01-05..2020-01-05"
    before = known_at - timedelta(seconds=1)
    gross = "select count(*) from stars_as_of(timestamp '{}') where estimator = 'gross' and day = '2020-01-05'"
    assert read(gross.format(known_at)) == [(1,)]
    assert read(gross.format(before)) == [(0,)]


def test_stars_as_of_now_is_fct_stars(read: Read) -> None:
    assert read("select * from stars_as_of('2100-01-01') order by all") == read("select * from fct_stars order by all")


def test_names_are_those_of_the_registry_and_those_that_github_told(read: Read) -> None:
    sql = "select repo_name, known_from is null from dim_repo_names where repo_id = 'new/toolog' order by repo_name"
    assert read(sql) == [("New/Toolog", False), ("new/toolog", True), ("old/toolog", True)]


def test_a_ranking_gives_observed_counts_under_any_name_in_any_case(read: Read) -> None:
    counts = "select day, stars from fct_stars where source = 'EvanLi' and estimator = 'observed' order by day"
    assert read(counts) == [(date(2020, 2, 1), 40), (date(2020, 2, 2), 45)], "today's name tells who is meant"


def test_gross_stars_are_no_figure_of_today(read: Read) -> None:
    measures = read("select distinct measure from rpt_framework_figures where measure like 'stars%'")
    assert measures == [("stars_observed",)]


def test_the_newest_answer_of_a_day_wins_and_its_value_is_known_since_it_was_first_given(read: Read) -> None:
    sql = """
        select day, downloads, known_at from fct_downloads
        where package = 'toolog' and source = 'pypistats' order by day limit 2
    """
    first, second = read(sql)
    assert first[:2] == (date(2026, 10, 1), 101)
    assert second[:2] == (date(2026, 10, 2), 100)
    assert first[2] > second[2], "the second day's value was confirmed, not given, by the later answer"


def test_sources_mirrors_and_months_stand_in_rows_of_their_own(read: Read) -> None:
    sql = """
        select source, granularity, mirrors, downloads from fct_downloads
        where package = 'toolog' and day = '2026-10-01' order by all
    """
    assert read(sql) == [
        ("clickhouse", "day", True, 999),
        ("conda", "month", None, 0),
        ("pypistats", "day", False, 101),
    ]


def test_downloads_in_30_days_are_the_sum_of_all_packages_over_days_that_are_all_there(read: Read) -> None:
    sql = "select framework_id, value, since, as_of, base from rpt_framework_figures where measure = 'downloads_30d'"
    newest = date(2026, 11, 8)
    base = "without mirrors: Toolog_GPU, toolog"
    assert read(sql) == [("toolog", 3300.0, newest - timedelta(29), newest, base)], "other lacks a day"
    assert read("select downloads_30d from rpt_frameworks order by framework_id") == [(None,), (3300,)]


def test_questions_are_the_sum_of_the_tags_when_all_of_them_are_known(read: Read) -> None:
    sql = "select framework_id, month, questions, total, share from fct_questions_monthly order by month"
    assert read(sql) == [
        ("toolog", date(2026, 8, 1), 60, 1000, 0.06),
        ("toolog", date(2026, 10, 1), 20, None, None),
    ], "a tag that never had a question is unknown; September lacks a tag; November was not over"
    assert read("select question_share from rpt_frameworks order by framework_id") == [(None,), (0.06,)]


def test_a_release_is_told_by_the_newest_answer_and_drafts_are_none(read: Read) -> None:
    sql = "select version, released_on, is_prerelease from fct_releases order by released_on"
    assert read(sql) == [
        ("v1.0", date(2020, 1, 11), False),
        ("v2.0rc1", date(2026, 1, 3), True),
        ("v2.0", date(2026, 1, 31), False),
    ]
    assert read("select last_release_on from rpt_frameworks order by framework_id") == [(None,), (date(2026, 1, 31),)]


def test_a_counted_share_replaces_a_published_one_of_the_same_people_and_label(read: Read) -> None:
    sql = """
        select label, framework_id, respondents, base, share, verified from fct_survey_shares
        where survey = 'stackoverflow' and year = 2022 and population = 'professional developers' order by label
    """
    assert read(sql) == [
        ("Hadoop", None, 10, 400, 0.025, True),
        ("Keras", None, None, None, 0.0647, False),
        ("TensorFlow", None, 50, 400, 0.125, True),
        ("Torch/PyTorch", "toolog", 40, 400, 0.1, True),
    ]


def test_of_a_survey_imported_twice_the_newest_counts(read: Read) -> None:
    sql = "select respondents, base from fct_survey_shares where year = 2022 and population = 'all respondents'"
    assert read(sql) == [(80, 1000)]


def test_a_survey_that_did_not_ask_has_its_other_years_labels_without_figures(read: Read) -> None:
    sql = """
        select label, respondents, base, share, asked, verified from fct_survey_shares
        where survey = 'stackoverflow' and year = 2025 and framework_id is not null
    """
    assert read(sql) == [("Torch/PyTorch", None, None, None, False, True)]


def test_implementations_are_those_of_the_archive_imported_last(read: Read) -> None:
    sql = "select framework_id, month, repositories, share from fct_implementations_monthly order by month"
    assert read(sql) == [("toolog", date(2020, 6, 1), 5, 0.25), ("toolog", date(2020, 7, 1), 0, 0.0)], (
        "a label that stands nowhere in the archive is unknown, not zero"
    )


def test_coverage_of_an_imported_archive_ends_with_it(read: Read) -> None:
    periods = [(date(2020, 6, 1), date(2020, 7, 31), "observed")]
    assert read(COVERAGE.format("surveys", "paperswithcode toolog")) == periods


COVERAGE = "select period_start, period_end, state from fct_coverage where source = '{}' and subject = '{}' order by 1"


def test_coverage_of_events_is_by_repository(read: Read) -> None:
    assert read(COVERAGE.format("events", "new/toolog")) == [
        (date(2020, 1, 2), date(2020, 1, 5), "observed"),
        (date(2020, 1, 6), date(2020, 1, 7), "missing"),
        (date(2020, 1, 8), date(2020, 1, 8), "observed"),
        (date(2020, 1, 9), date(2020, 8, 20), "missing"),
        (date(2020, 8, 24), date(2025, 5, 21), "missing"),
        (date(2025, 5, 22), date(2025, 5, 22), "zero"),
    ]
    assert read(COVERAGE.format("events", "some/other")) == [
        (CREATED, date(2020, 8, 20), "missing"),
        (date(2020, 8, 24), date(2025, 5, 22), "missing"),
    ]
    assert read(COVERAGE.format("events", "*")) == [
        (date(2020, 8, 21), date(2020, 8, 23), "outage"),
        (date(2025, 5, 23), None, "outage"),
    ], "the days between"


def test_coverage_of_the_ranking_tells_missing_files_from_days_never_asked(read: Read) -> None:
    assert read(COVERAGE.format("ranking", "*")) == [
        (date(2018, 12, 18), date(2019, 12, 29), "not_asked"),
        (date(2019, 12, 30), date(2019, 12, 30), "observed"),
        (date(2019, 12, 31), date(2019, 12, 31), "missing"),
        (date(2020, 1, 1), date(2020, 1, 31), "not_asked"),
        (date(2020, 2, 1), date(2020, 2, 2), "observed"),
        (date(2020, 2, 3), date(2026, 11, 19), "not_asked"),
    ], "up to the day before the newest answer; the figures shipped were read later, on 23 November"


def test_coverage_of_downloads_is_by_source_and_package(read: Read) -> None:
    assert read(COVERAGE.format("downloads", "conda toolog")) == [
        (date(2020, 1, 1), date(2026, 6, 30), "missing"),
        (date(2026, 7, 1), date(2026, 8, 31), "observed"),
        (date(2026, 9, 1), date(2026, 9, 30), "missing"),
        (date(2026, 10, 1), date(2026, 10, 31), "zero"),
    ]
    assert read(COVERAGE.format("downloads", "pypistats other")) == [
        (date(2026, 10, 1), date(2026, 10, 20), "observed"),
        (date(2026, 10, 21), date(2026, 10, 21), "missing"),
        (date(2026, 10, 22), date(2026, 11, 9), "observed"),
        (date(2026, 11, 10), date(2026, 11, 18), "missing"),
    ], "today is 20 November, and pypistats tells the day before yesterday"
    assert read(COVERAGE.format("downloads", "clickhouse other")) == [(None, None, "missing")]


def test_coverage_says_what_was_asked_and_is_unknown_there(read: Read) -> None:
    notes = dict(
        read("select subject, note from fct_coverage where source in ('downloads', 'questions') and period_end is null")
    )
    assert notes == {
        "pypistats misspelt": "asked; the index has no such package",
        "clickhouse misspelt": "no downloads were read yet",
        "clickhouse Toolog_GPU": "asked; the index has no such package",
        "clickhouse other": "no downloads were read yet",
    }
    tags = "select subject, note from fct_coverage where source = 'questions' and state = 'missing' order by all"
    assert read(tags) == [
        ("all questions", "how many questions there were in these months was not read yet"),
        ("all questions", "how many questions there were in these months was not read yet"),
        ("other", "asked; no question has this tag: other"),
        ("toolog", "these months were not asked for every tag yet"),
        ("toolog", "these months were not asked for every tag yet"),
    ]


def test_coverage_of_questions_and_releases(read: Read) -> None:
    assert read(COVERAGE.format("questions", "toolog")) == [
        (date(2019, 1, 1), date(2026, 7, 31), "missing"),
        (date(2026, 8, 1), date(2026, 8, 31), "observed"),
        (date(2026, 9, 1), date(2026, 9, 30), "missing"),
        (date(2026, 10, 1), date(2026, 10, 31), "observed"),
    ]
    assert read(COVERAGE.format("questions", "all questions")) == [
        (date(2019, 1, 1), date(2026, 7, 31), "missing"),
        (date(2026, 8, 1), date(2026, 9, 30), "observed"),
        (date(2026, 10, 1), date(2026, 10, 31), "missing"),
    ]
    assert read(COVERAGE.format("releases", "new/toolog")) == [(CREATED, NOW.date(), "observed")]
    assert read(COVERAGE.format("releases", "some/other")) == [(CREATED, NOW.date(), "zero")]


def test_every_fact_leads_to_its_answer(read: Read) -> None:
    for table, source in (
        ("fct_downloads", "downloads"),
        ("fct_questions_monthly", "questions"),
        ("fct_releases", "releases"),
        ("fct_implementations_monthly", "surveys"),
        ("hist_star_events", "events"),
    ):
        sql = "select distinct answers.source from {} as facts join meta_responses as answers using (response_id)"
        assert read(sql.format(table)) == [(source,)]


def test_every_source_has_a_licence_or_says_that_none_is_known(read: Read) -> None:
    assert read("select source from dim_sources where licence is null and note not like '%unknown%'") == []
    licences = dict(read("select source, licence from dim_sources"))
    assert licences["EvanLi"] == licences["mbadry1"] == licences["aymericdamien"] == "MIT"
    assert licences["stackoverflow"] == "ODbL 1.0"
    assert licences["paperswithcode"] == "CC BY-SA 4.0"


def test_tables_and_columns_all_carry_their_description(read: Read) -> None:
    assert read("select table_name from duckdb_tables() where comment is null") == []
    assert read("select table_name, column_name from duckdb_columns() where comment is null and not internal") == []


def test_our_own_reading_of_a_ranking_wins_over_the_cited_one(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text(REGISTRY.replace("some/other", "keras-team/keras"))
    settings = Settings(home=tmp_path / "home", raw=tmp_path / "home" / "raw", registry_file=tmp_path / "one.toml")
    sources = Sources(settings)
    before = sources.ranking(date(2018, 12, 31), {"keras-team/keras": 36_940})
    sources.now = datetime(2026, 12, 1)
    sources.ranking(date(2019, 12, 31), {"keras-team/keras": 46_229})
    different = sources.ranking(date(2020, 12, 31), {"keras-team/keras": 50_421})
    build(settings, registry.load(settings))
    with duckdb.connect(str(settings.database), read_only=True) as connection:
        counts = connection.execute(
            "select day, stars, response_id from fct_stars where source = 'EvanLi' and day < '2021-01-01' order by day"
        ).fetchall()
    assert [count[:2] for count in counts] == [
        (date(2018, 12, 31), 36_940),
        (date(2019, 12, 31), 46_229),
        (date(2020, 12, 31), 50_421),
    ]
    assert [counts[0][2], counts[2][2]] == [before, different]
    assert counts[1][2].startswith("cited:"), "an equal value was known before, by its citation"
