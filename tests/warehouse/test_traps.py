"""The traps of the sources that only the marts can fall into, on a real build: one warehouse for all of them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from collectors.paperplan import SETTLED_AFTER, Window, done_subject
from tests.warehouse.source_answers import Sources
from tests.warehouse.test_marts_sources import Read
from warehouse import registry
from warehouse.build import PROJECT, build
from warehouse.settings import Settings

# `born` was created two days before the events' outage of 2020, `reborn` is another repository under its old name
# later on, `moved` got a name that the registry does not know, `unasked` was never asked.
REGISTRY = """
[[framework]]
id = "born"
name = "Born"
colour = "#112233"
first_released_on = 2020-08-19
status = "active"
repositories = [{ name = "is/born" }]
pypi = ["born"]
survey_labels = ["Born"]
arxiv = { query = ["Borntool"], rules = [{ match = 'Borntool' }] }

[[framework]]
id = "reborn"
name = "Reborn"
colour = "#445566"
first_released_on = 2020-01-10
status = "active"
repositories = [{ name = "is/reborn" }]
survey_labels = ["Reborn"]

[[framework]]
id = "moved"
name = "Moved"
colour = "#aabbcc"
first_released_on = 2020-01-10
status = "active"
repositories = [{ name = "is/moved" }]

[[framework]]
id = "unasked"
name = "Unasked"
colour = "#778899"
first_released_on = 2020-01-10
status = "active"
repositories = [{ name = "is/unasked" }]
"""
BORN = date(2020, 8, 19)
WEEK = date(2026, 11, 15)
# 21:00 on Thursday the 19th in California, where GitHub's days end; the 20th in UTC.
EVENING = datetime(2026, 11, 20, 5)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """One warehouse of everything below, built."""
    folder = tmp_path_factory.mktemp("traps")
    (folder / "four.toml").write_text(REGISTRY)
    settings = Settings(home=folder / "home", raw=folder / "home" / "raw", registry_file=folder / "four.toml")
    sources = Sources(settings)
    fill_stars(sources)
    fill_events(sources)
    fill_downloads_and_surveys(sources)
    fill_papers(sources)
    build(settings, registry.load(settings))
    return settings


@pytest.fixture(scope="module")
def read(settings: Settings) -> Read:
    """Return a function from SQL to rows of the warehouse."""

    def rows(sql: str) -> list[tuple[object, ...]]:
        with duckdb.connect(str(settings.database), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    return rows


def fill_stars(sources: Sources) -> None:
    sources.now = EVENING
    sources.record("is/born", 995, created=BORN)
    sources.week("is/born", WEEK, [1, 2, 3, 4, 5, 0, 0])
    sources.now = EVENING + timedelta(days=1)
    sources.record("is/born", 1000, created=BORN)
    sources.week("is/born", WEEK, [1, 2, 3, 4, 6, 7, 0])
    sources.record("is/reborn", 300, archived=True, id=3)
    sources.week("is/reborn", WEEK, [0, 301, 0, 0, 0, 0, 0])
    sources.record("is/reborn", 2, "is/REBORN", archived=False, id=7)


def fill_events(sources: Sources) -> None:
    days = [BORN + timedelta(n) for n in range(7)]
    sources.events(["is/born"], days[0], days[-1], [("is/born", day, 10 + n) for n, day in enumerate(days)])
    sources.record("is/moved", 50)
    sources.events(["is/moved"], date(2020, 1, 2), date(2020, 1, 3), [("is/moved", date(2020, 1, 2), 5)])
    sources.now += timedelta(days=1)
    sources.record("is/moved", 51, "then/Moved")
    sources.now += timedelta(days=1)
    sources.record("is/moved", 52, "now/Moved")
    sources.events(["is/moved", "now/Moved"], date(2020, 1, 4), date(2020, 1, 4), [("now/Moved", date(2020, 1, 4), 1)])
    names = ["is/moved", "then/Moved", "now/Moved"]
    sources.events(names, date(2020, 1, 5), date(2020, 1, 5), [(name, date(2020, 1, 5), 2) for name in names])
    late = [date(2025, 5, 22), date(2025, 5, 23), date(2025, 5, 24)]
    sources.events(["is/born"], late[0], late[-1], [("is/born", day, 1) for day in late])


def fill_downloads_and_surveys(sources: Sources) -> None:
    days = [date(2026, 10, 1) + timedelta(n) for n in range(30)]
    sources.pypistats("born", dict.fromkeys(days, 100))
    sources.pypistats("born", dict.fromkeys(days, 100_000), mirrors=True)
    sources.clickhouse("born", date(2026, 10, 1), date(2026, 11, 1), {days[20]: 5_000_000})
    lost = {date(2018, 7, day): 10 * day for day in (24, 25, 26, 27)}
    sources.clickhouse("born", date(2018, 7, 1), date(2018, 8, 1), lost)
    sources.survey("stackoverflow", 2024, {"all respondents": {"base": 100, "labels": {"Born": 20}}})
    sources.survey("kaggle", 2022, {"all respondents": {"base": 100, "labels": {"Born": 60, "Reborn": 50}}})


def fill_papers(sources: Sources) -> None:
    """January's window and total are asked seven days after its last day, February's six days after."""
    sources.now = datetime(2021, 2, 7)
    fill_month(sources, Window(date(2021, 1, 1), date(2021, 1, 31)), PAPER)
    sources.now = datetime(2021, 3, 6)
    fill_month(sources, Window(date(2021, 2, 1), date(2021, 2, 28)), "")
    row = {"title": "Borntool", "abstract": "An older Borntool.", "primary_category": "cs.LG", "categories": ["cs.LG"]}
    old = [row | {"arxiv_id": f"2101.0000{n}", "submitted_on": "2021-01-05"} for n in (1, 2)]
    sources.answer("papers", "snapshot:snapshot-papers", old, None, kind="snapshot-papers", last=True)


FEED = """
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">
<opensearch:startIndex>0</opensearch:startIndex>
<opensearch:totalResults>{}</opensearch:totalResults>
{}</feed>
"""
PAPER = """
<entry xmlns:arxiv="http://arxiv.org/schemas/atom">
<id>http://arxiv.org/abs/2101.00001v2</id><published>2021-01-05T10:00:00Z</published>
<title>Borntool</title><summary>The text of today.</summary>
<category term="cs.LG"/><arxiv:primary_category term="cs.LG"/>
</entry>
"""


def fill_month(sources: Sources, window: Window, papers: str) -> None:
    """A window asked to its end, of one paper or none, and the total of its month: forty papers."""
    total, month = int(bool(papers)), f"{window.start:%Y-%m}"
    sources.answer("papers", f"window:{window.label}", FEED.format(total, papers).strip().encode(), kind="window")
    note = {"from": str(window.start), "until": str(window.end), "query": 'ti:"Borntool"'}
    sources.answer("papers", done_subject(window), note | {"total": total, "received": total}, None)
    sources.answer("papers", f"count:{month}", FEED.format(40, PAPER).strip().encode(), kind="count", month=month)


RETAINED = "from fct_stars where estimator = 'retained' and repo_id = 'is/born'"


def test_trap_5_a_day_to_come_is_no_day_and_the_running_one_is_marked(read: Read) -> None:
    assert read(f"select day, stars_added, is_partial {RETAINED} and day >= '2026-11-18' order by day") == [
        (date(2026, 11, 18), 4, False),
        (date(2026, 11, 19), 6, False),
        (date(2026, 11, 20), 7, True),
    ]


def test_trap_5_the_running_day_is_no_figure_of_the_overview(read: Read) -> None:
    sql = "select as_of, value from rpt_framework_figures where measure = 'stars_retained' and framework_id = 'born'"
    assert read(sql) == [(date(2026, 11, 19), 993)]


def test_trap_5_kinds_are_compared_on_days_that_were_over(read: Read) -> None:
    sql = "select day, observed, retained from rpt_star_disagreement where framework_id = 'born'"
    assert read(sql) == [(date(2026, 11, 19), 995, 993)], "read in the evening of the 19th in California"


GROSS = "from fct_stars where estimator = 'gross' and repo_id = 'is/born'"


def test_trap_11_days_of_both_outages_have_no_gross_stars(read: Read) -> None:
    assert [day for (day,) in read(f"select day {GROSS} order by day")] == [
        date(2020, 8, 19),
        date(2020, 8, 20),
        date(2020, 8, 24),
        date(2020, 8, 25),
        date(2025, 5, 22),
    ]


def test_trap_11_the_sum_goes_on_with_what_was_captured_in_the_outage(read: Read) -> None:
    added = read(f"select stars_added, stars {GROSS} and day < '2021-01-01' order by day")
    assert added == [(10, 10), (11, 21), (15, 75), (16, 91)]


def test_trap_11_coverage_is_cut_at_both_outages(read: Read) -> None:
    sql = "select period_start, period_end, state from fct_coverage where source = 'events' and subject = 'is/born'"
    assert read(f"{sql} order by 1") == [
        (date(2020, 8, 19), date(2020, 8, 20), "observed"),
        (date(2020, 8, 24), date(2020, 8, 25), "observed"),
        (date(2020, 8, 26), date(2025, 5, 21), "missing"),
        (date(2025, 5, 22), date(2025, 5, 22), "observed"),
    ]


def test_trap_16_shares_of_different_surveys_never_stand_in_one_column(read: Read) -> None:
    sql = "select framework_id, survey_share from rpt_frameworks order by framework_id"
    assert read(sql) == [("born", 0.2), ("moved", None), ("reborn", None), ("unasked", None)], (
        "Reborn stands in an older survey alone"
    )
    sources = "select distinct source, base from rpt_framework_figures where measure = 'survey_share'"
    assert read(sources) == [("stackoverflow 2024", "all respondents")]


def test_trap_17_mirrors_are_never_added_up_with_downloads(read: Read) -> None:
    assert read("select downloads_30d from rpt_frameworks where framework_id = 'born'") == [(3000,)]
    sql = "select source, mirrors, downloads from fct_downloads where day = '2026-10-21' order by downloads"
    assert read(sql) == [("pypistats", False, 100), ("pypistats", True, 100_000), ("clickhouse", True, 5_000_000)]


def test_downloads_of_days_of_which_most_were_lost_are_no_facts(read: Read) -> None:
    sql = "select day, downloads from fct_downloads where source = 'clickhouse' and day < '2019-01-01' order by day"
    assert read(sql) == [(date(2018, 7, 26), 260), (date(2018, 7, 27), 270)]
    covered = "select state, period_start, period_end from fct_coverage where source = 'downloads'"
    assert read(f"{covered} and (state = 'outage' or subject = 'clickhouse born') and period_end < '2019-01-01'") == [
        ("observed", date(2018, 7, 26), date(2018, 7, 27)),
        ("outage", date(2016, 1, 1), date(2018, 7, 25)),
    ]


def test_the_outage_of_star_lists_ends_on_the_day_before_the_history_could_be_read(read: Read) -> None:
    sql = "select period_start, period_end from fct_coverage where source = 'stars' and state = 'outage'"
    assert read(sql) == [(date(2026, 6, 30), date(2026, 9, 3))]


def test_trap_18_a_mention_of_keras_is_said_to_be_no_longer_one_of_tensorflow(read: Read) -> None:
    sql = "select table_name from duckdb_tables() where comment like '%Keras 3 (November 2023)%' order by 1"
    assert read(sql) == [("fct_mentions",), ("fct_survey_shares",)]


def test_trap_20_whether_a_repository_is_archived_is_unknown_until_github_said_it(read: Read) -> None:
    sql = "select repo_id, archived from dim_repos order by repo_id"
    assert read(sql) == [("is/born", False), ("is/moved", False), ("is/reborn", True), ("is/unasked", None)]


def test_trap_9_another_repository_under_the_old_name_gives_no_fact(read: Read) -> None:
    sql = "select stars from fct_stars where repo_id = 'is/reborn' and estimator = 'observed'"
    assert read(sql) == [(300,)]
    assert read("select github_id, full_name from dim_repos where repo_id = 'is/reborn'") == [(3, "is/reborn")]
    assert read("select repo_name from dim_repo_names where repo_id = 'is/reborn'") == [("is/reborn",)]


def test_trap_9_gross_stars_wait_for_the_name_that_github_told_and_the_past_stays_as_it_was_known(read: Read) -> None:
    gross = "where estimator = 'gross' and repo_id = 'is/moved'"
    assert read(f"select day, stars_added from fct_stars {gross}") == [(date(2020, 1, 5), 6)], (
        "nobody asked for events of then/Moved on the days before"
    )
    told = "select known_from from dim_repo_names where repo_name = 'then/Moved'"
    before = f"select day, stars from stars_as_of(({told}) - interval 1 second) {gross} order by day"
    assert read(before) == [(date(2020, 1, 2), 5), (date(2020, 1, 3), 5)]


def test_trap_9_a_name_that_github_told_and_replaced_is_a_former_name(read: Read) -> None:
    sql = "select full_name, former_names from dim_repos where repo_id = 'is/moved'"
    assert read(sql) == [("now/Moved", ["is/moved", "then/Moved"])]


def test_stars_that_add_up_to_more_than_the_record_are_published_and_none_is_negative(read: Read) -> None:
    sql = "select day, stars from fct_stars where estimator = 'retained' and repo_id = 'is/reborn' order by day"
    assert read(f"{sql} limit 2") == [(date(2026, 11, 15), 0), (date(2026, 11, 16), 301)]


def test_a_snapshots_older_text_fills_in_and_never_overrides_arxivs_answer(read: Read) -> None:
    sql = "select arxiv_id, subject, in_abstract from fct_papers join meta_responses using (response_id)"
    rows = read(f"{sql} join fct_mentions using (arxiv_id) order by arxiv_id")
    assert rows == [
        ("2101.00001", "window:2021-01-01..2021-01-31", False),
        ("2101.00002", "snapshot:snapshot-papers", True),
    ]


def test_a_month_of_papers_counts_when_it_was_asked_seven_days_after_its_end(read: Read) -> None:
    columns = "month, base, papers, denominator"
    sql = f"select {columns} from fct_mentions_monthly where measure = 'title_abstract' order by all"
    january = date(2021, 1, 1)
    assert read(sql) == [(january, "any_framework", 2, 2), (january, "ml_papers", 2, 40)], (
        "February was asked too early"
    )


def test_a_months_papers_settle_for_the_marts_as_they_do_for_the_collector() -> None:
    assert f"papers_settle_days: {SETTLED_AFTER.days}\n" in Path(PROJECT, "dbt_project.yml").read_text()
