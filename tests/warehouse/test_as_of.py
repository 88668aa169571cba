"""As of: what was known then stays, whatever the sources say later; a home at three moments, built at each of them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from collectors.paperplan import Window, done_subject
from tests.conftest import ROOT
from tests.warehouse import memory_build
from tests.warehouse.source_answers import Sources
from tests.warehouse.test_traps import FEED
from warehouse import build as building
from warehouse import registry
from warehouse.build import build
from warehouse.errors import DlpulseError
from warehouse.settings import Settings

REGISTRY = """
[[framework]]
id = "toolog"
name = "Toolog"
colour = "#112233"
first_released_on = 2020-01-10
status = "active"
repositories = [{ name = "new/toolog" }]
pypi = ["toolog"]
stackoverflow_tags = ["toolog"]
survey_labels = ["Toolog"]
arxiv = { query = ["Toolog"], rules = [{ match = 'Toolog' }] }
"""
FIRST, SECOND, THIRD = datetime(2027, 3, 10), datetime(2027, 4, 10), datetime(2027, 5, 10)
BORN, NEWEST_WEEK = date(2027, 2, 28), date(2027, 3, 7)
MACROS = {"stars_as_of": "fct_stars", "mentions_as_of": "fct_mentions", "frameworks_as_of": "rpt_frameworks"}
ENTRY = """
<entry xmlns:arxiv="http://arxiv.org/schemas/atom">
<id>http://arxiv.org/abs/2701.{:05d}v1</id><published>2027-01-05T10:00:00Z</published>
<title>A paper</title><summary>{}</summary>
<category term="cs.LG"/><arxiv:primary_category term="cs.LG"/>
</entry>
"""
Then = dict[str, list[tuple[Any, ...]]]


def papers(sources: Sources, *abstracts: str) -> None:
    """A reading of January 2027: one paper for each abstract."""
    window = Window(date(2027, 1, 1), date(2027, 1, 31))
    entries = "".join(ENTRY.format(number, abstract) for number, abstract in enumerate(abstracts))
    feed = FEED.format(len(abstracts), entries).strip().encode()
    page = sources.answer("papers", f"window:{window.label}", feed, kind="window")
    note = {"from": str(window.start), "until": str(window.end), "query": 'ti:"Toolog"', "responses": [page]}
    sources.answer("papers", done_subject(window), note | {"total": len(abstracts), "received": len(abstracts)}, None)


def years_of_papers(sources: Sources, in_categories: int) -> None:
    """A window of two years without papers around January's, and the totals of its newest twelve months."""
    window = Window(date(2025, 1, 1), date(2027, 2, 28))
    note = {"from": str(window.start), "until": str(window.end), "query": 'ti:"Toolog"', "total": 0, "received": 0}
    sources.answer("papers", done_subject(window), note, None)
    for n in range(12):
        month = f"{2026 + (n + 2) // 12}-{(n + 2) % 12 + 1:02d}"
        feed = FEED.format(in_categories, ENTRY.format(0, "")).strip().encode()
        sources.answer("papers", f"count:{month}", feed, kind="count", month=month)


def signals(sources: Sources, downloads: int, questions: int, respondents: int, released: str) -> None:
    """Thirty days of downloads, a month's questions, an answers file and the list of releases."""
    sources.pypistats("toolog", {date(2027, 2, 1) + timedelta(n): downloads for n in range(30)})
    sources.questions(None, "2027-02", 1000)
    sources.questions("toolog", "2027-02", questions)
    sources.survey("stackoverflow", 2026, {"all respondents": {"base": 100, "labels": {"Toolog": respondents}}})
    begun = sources.now
    sources.releases("new/toolog", (released, "2027-01-30", False, False))
    sources.releases_read("new/toolog", begun, "all")


def first(sources: Sources) -> None:
    """Everything as it is told first."""
    sources.record("new/toolog", 28, created=BORN)
    sources.week("new/toolog", BORN, [1] * 7)
    sources.week("new/toolog", NEWEST_WEEK, [9, 9, 3, 0, 0, 0, 0])
    papers(sources, "We use Toolog.", "We use Toolog.", "We use it.")
    years_of_papers(sources, 40)
    signals(sources, downloads=100, questions=50, respondents=20, released="v1")


def second(sources: Sources) -> None:
    """Stars taken back; abstracts, counts and files corrected; a release withdrawn; the repository renamed."""
    sources.record("new/toolog", 24, "newest/toolog", created=BORN)
    sources.week("new/toolog", NEWEST_WEEK, [7, 8, 2, 0, 0, 0, 0])
    papers(sources, "We use it.", "We use Toolog.", "We use Toolog too.")
    years_of_papers(sources, 50)
    signals(sources, downloads=101, questions=40, respondents=25, released="v2")


def third(sources: Sources) -> None:
    """Everything as it was told first, again: a value may come back."""
    first(sources)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("moments")
    (folder / "one.toml").write_text(REGISTRY)
    return Settings(home=folder / "home", raw=folder / "home" / "raw", registry_file=folder / "one.toml")


@pytest.fixture(scope="module")
def moments(settings: Settings) -> dict[datetime, Then]:
    """What the marts held at each moment, after a build at that moment."""
    sources, told = Sources(settings), {}
    for start, tell in ((FIRST, first), (SECOND, second), (THIRD, third)):
        sources.now = start
        tell(sources)
        build(settings, registry.load(settings))
        told[sources.now] = {mart: rows(settings, f"select * from {mart} order by all") for mart in MACROS.values()}
    return told


@pytest.fixture
def read(settings: Settings, moments: dict[datetime, Then]) -> Callable[[str], list[tuple[Any, ...]]]:
    """Return a function from SQL to rows of the warehouse at the last moment."""
    assert moments
    return lambda sql: rows(settings, sql)


def rows(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(settings.database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.mark.parametrize(("macro", "mart"), MACROS.items())
def test_what_was_known_at_each_moment_stands_after_all_later_ones(moments, read, macro: str, mart: str) -> None:
    held = [then[mart] for then in moments.values()]
    assert held[0] != held[1] != held[2], "each moment changed something"
    assert [read(f"select * from {macro}(timestamp '{at}') order by all") for at in moments] == held


@pytest.mark.parametrize(("macro", "mart"), MACROS.items())
def test_as_of_now_is_the_mart(read, macro: str, mart: str) -> None:
    now = read(f"select * from {mart} order by all")
    for at in ("'infinity'", "timestamp '2027-06-01 12:00'", "date '2027-06-01'", "'2027-06-01'"):
        assert read(f"select * from {macro}({at}) order by all") == now


def test_the_figures_of_then_are_the_revised_ones_figures(read) -> None:
    columns = "stars_observed, stars_retained, paper_share, survey_share, downloads_30d, question_share"
    assert read(f"select {columns} from frameworks_as_of(date '2027-04-01')") == [(28, 25, 2 / 480, 0.2, 3000, 0.05)]
    assert read(f"select {columns} from frameworks_as_of(date '2027-05-01')") == [(24, 24, 2 / 600, 0.25, 3030, 0.04)]


def test_a_paper_whose_abstract_changed_is_named_by_the_text_of_the_time(read) -> None:
    named = "select list(arxiv_id order by arxiv_id) from mentions_as_of(date '{}')"
    assert read(named.format("2027-04-01")) == [(["2701.00000", "2701.00001"],)]
    assert read(named.format("2027-05-01")) == [(["2701.00001", "2701.00002"],)]


def test_a_mention_leads_to_the_answer_that_told_the_text_of_the_time(read) -> None:
    sql = """
        select answers.fetched_at::date from mentions_as_of(date '{}')
        join meta_responses as answers using (response_id) where arxiv_id = '2701.00001'
    """
    assert read(sql.format("2027-05-01")) == [(FIRST.date(),)], "its text is the same since then"


def test_a_month_of_papers_leads_to_the_last_answer_of_its_window(read) -> None:
    sql = """
        select base, subject, url, status from fct_mentions_monthly join meta_responses using (response_id)
        where month = '2027-01-01' order by base
    """
    assert read(sql) == [
        ("any_framework", "window:2027-01-01..2027-01-31", "https://x/", 200),
        ("ml_papers", "count:2027-01", "https://x/", 200),
    ]


def test_no_row_of_stars_is_known_before_its_values_came_to_be(settings, moments) -> None:
    with duckdb.connect(str(settings.database), read_only=True) as connection:
        assert memory_build.known_too_early(connection) == []
        changed = """
            select stars, stars_added, known_at >= timestamp '2027-05-10' from fct_stars
            where estimator = 'retained' and day in ('2027-03-06', '2027-03-07', '2027-03-09') order by day
        """
        assert connection.execute(changed).fetchall() == [(7, 1, False), (16, 9, True), (28, 3, True)]


def test_before_the_first_collection_nothing_is_known_and_nothing_is_zero(read) -> None:
    before = "date '2027-03-10'"
    assert read(f"select * from stars_as_of({before}) where source = 'github'") == []
    assert read(f"select * from mentions_as_of({before})") == []
    assert read(f"select * from frameworks_as_of({before})") == [("toolog", "Toolog", *[None] * 12)]


def test_between_two_answers_the_first_is_known_and_the_second_is_not(read) -> None:
    sql = "select known_from from hist_star_days where day = '2027-03-07' order by known_from limit 1"
    ((at,),) = read(sql)
    day = "select stars_added from stars_as_of(timestamp '{}') where estimator = 'retained' and day = '2027-03-07'"
    assert read(day.format(at)) == [(9,)]
    assert read(day.format(at - timedelta(microseconds=1))) == []


ZONES = ("UTC", "America/Los_Angeles", "Asia/Tokyo")
# One instant, 10:01 in UTC.
ONE_INSTANT = ("'2027-03-10 10:01 UTC'", "'2027-03-10T10:01Z'", "'2027-03-10 12:01+02'", "'2027-03-10 02:01-08:00'",
               "'2027-03-10 11:01 Europe/Berlin'", "'2027-03-10 11:01:00 Europe/Berlin'", "'2027-03-10T10:01'",
               "timestamp '2027-03-10 10:01'", "'2027-03-10 10:01'", "'2027-03-10 10:01:00Z'", "'2027-03-10T10:01:00Z'",
               "'2027-03-10 12:01:00+02'", "'2027-03-10 12:01:00+02:00'", "'2027-03-10 02:01:00-08'",
               "timestamptz '2027-03-10 12:01:00+02'", "(select timestamptz '2027-03-10 02:01:00-08')")  # fmt: skip


@pytest.fixture(scope="module")
def one_instant(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home whose first record came at 10:01, the second at 10:02, the third at the midnight that begins the 11th."""
    folder = tmp_path_factory.mktemp("zones")
    (folder / "one.toml").write_text(REGISTRY)
    chosen = Settings(home=folder / "home", raw=folder / "raw", registry_file=folder / "one.toml")
    sources = Sources(chosen)
    for at in (datetime(2027, 3, 10, 10), datetime(2027, 3, 10, 10, 1), datetime(2027, 3, 10, 23, 59)):
        sources.now = at
        sources.record("new/toolog", at.minute + 1, created=BORN)
    build(chosen, registry.load(chosen))
    return chosen


@pytest.mark.parametrize("zone", ZONES)
def test_an_instant_is_the_same_however_it_is_written_and_wherever_it_is_asked(one_instant, zone: str) -> None:
    figure = "select stars_observed from frameworks_as_of({})"
    with duckdb.connect(str(one_instant.database), read_only=True) as connection:
        connection.execute(f"set timezone = '{zone}'")
        for at in ONE_INSTANT:
            assert connection.execute(figure.format(at)).fetchall() == [(1,)], at
        assert connection.execute(figure.format("date '2027-03-11'")).fetchall() == [(60,)]
        assert connection.execute(figure.format("'2027-03-10'")).fetchall() == [(None,)]
        assert connection.execute(figure.format("timestamptz 'infinity'")).fetchall() == [(60,)]
        for at in ("2027-03-10 12:01:00+02", "2027-03-10 12:01+02", datetime(2027, 3, 10, 10, 1)):
            assert connection.execute(figure.format("?"), [at]).fetchall() == [(1,)], at


@pytest.mark.parametrize("zone", ZONES)
def test_the_duckdb_command_line_takes_an_instant_in_any_zone(one_instant, zone: str) -> None:
    asked = "; ".join(f"select stars_observed from frameworks_as_of({at})" for at in ONE_INSTANT)
    asked += "; select stars_observed from frameworks_as_of(date '2027-03-11')"
    told = cli("-readonly", str(one_instant.database), "-c", f"set timezone = '{zone}'; {asked}")
    assert (told.stderr, told.stdout.split()) == ("", [*["1"] * len(ONE_INSTANT), "60"])


NULLS = ("null", "null::date", "null::timestamptz", "(select max(day) from (select null::date as day))")


@pytest.mark.parametrize("macro", MACROS)
def test_no_instant_is_an_error_that_says_what_is_expected(one_instant, macro: str) -> None:
    expected = (
        f"Invalid Input Error: {macro}(ts): ts is NULL; expected an instant: a TIMESTAMPTZ, or a TIMESTAMP, a DATE"
    )
    database = str(one_instant.database)
    for at in NULLS:
        for asked in (f"from {macro}({at})", f"select count(*) from {macro}({at})"):
            assert failure(f"attach '{database}' as dlpulse (read_only); use dlpulse", asked).startswith(expected)
            told = cli("-readonly", database, "-c", asked)
            assert (told.returncode, told.stdout) == (1, "")
            assert told.stderr.startswith(expected)
    with duckdb.connect(database, read_only=True) as connection:
        assert connection.execute(f"select count(*) > 0 from (describe from {macro}(null))").fetchall() == [(True,)]


def failure(setup: str, asked: str) -> str:
    """What DuckDB's library says to a question that it cannot answer."""
    with duckdb.connect() as connection:
        connection.execute(setup)
        with pytest.raises(duckdb.Error) as raised:
            connection.execute(asked).fetchall()
    return str(raised.value)


COUNT = "select count(*) from stars_as_of('2027-05-01') where source = 'github'"


def cli(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run DuckDB's own command line, which is older than the library."""
    command = [str(Path(sys.executable).with_name("duckdb")), "-csv", "-noheader", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("name", ["dlpulse", "main", "fct_stars"])
def test_the_duckdb_command_line_reads_a_copy_under_any_name(moments, settings, tmp_path: Path, name: str) -> None:
    copy = tmp_path / f"{name}.duckdb"
    shutil.copy(settings.database, copy)
    for macro, mart in MACROS.items():
        told = cli("-readonly", str(copy), "-c", f"select * from {macro}('infinity') order by all")
        expected = cli("-readonly", str(copy), "-c", f"select * from {mart} order by all")
        assert (told.returncode, told.stdout) == (0, expected.stdout)


def test_attached_under_another_name_a_macro_works_after_use(moments, settings, read) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{settings.database}' as pulse (read_only); use pulse")
        assert connection.execute(COUNT).fetchall() == read(COUNT)


def test_attached_without_use_duckdb_looks_for_the_tables_elsewhere(moments, settings) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{settings.database}' as pulse (read_only)")
        with pytest.raises(duckdb.CatalogException, match=r"(?s)does not exist.*pulse\.hist_"):
            connection.execute("from pulse.mentions_as_of('infinity')")


@pytest.mark.parametrize("macro", MACROS)
def test_of_two_attached_files_the_one_in_use_answers_and_the_others_macro_refuses(
    moments, settings, one_instant, macro: str
) -> None:
    attach = f"attach '{settings.database}' as foo (read_only); attach '{one_instant.database}' as bar (read_only)"
    for used, other in (("foo", "bar"), ("bar", "foo")):
        setup, wrong = f"{attach}; use {used}", f"select count(*) from {other}.{macro}('infinity')"
        expected = f"Invalid Input Error: this {macro} belongs to another file than the database in USE"
        assert failure(setup, wrong).startswith(expected)
        told = cli("-c", f"{setup}; {wrong}")
        assert (told.returncode, told.stdout) == (1, "")
        assert told.stderr.startswith(expected)
        both = f"{setup}; select count(*) from {MACROS[macro]}; select count(*) from {used}.{macro}('infinity')"
        told = cli("-c", both)
        assert told.stderr == ""
        marts, as_of = told.stdout.split()
        assert marts == as_of


def test_a_copy_beside_the_file_it_was_made_of_is_the_same_file(moments, settings, read, tmp_path: Path) -> None:
    shutil.copy(settings.database, tmp_path / "copy.duckdb")
    attach = f"attach '{settings.database}' as foo (read_only); attach '{tmp_path / 'copy.duckdb'}' as bar (read_only)"
    with duckdb.connect() as connection:
        connection.execute(f"{attach}; use foo")
        assert connection.execute(COUNT.replace("stars_as_of", "bar.stars_as_of")).fetchall() == read(COUNT)


def test_the_queries_of_the_docs_for_several_moments_give_the_same_in_both_engines(moments, settings, read) -> None:
    page = (ROOT / "docs" / "warehouse.md").read_text("utf-8")
    section = page.split("### Several moments")[1].split("\n## ")[0]
    by_union, by_join = (block.split("```")[0] for block in section.split("```sql")[1:])
    days = {"2026-12-01": "2027-04-01", "2027-01-01": "2027-05-01", "keras-team/keras": "new/toolog", "keras": "toolog"}
    for old, new in days.items():
        by_union, by_join = by_union.replace(old, new), by_join.replace(old, new)
    assert read(by_union) == [(date(2027, 4, 1), 28, 25), (date(2027, 5, 1), 24, 24)]
    assert read(by_join) == [(date(2027, 4, 1), 28), (date(2027, 5, 1), 24)]
    for asked in (by_union, by_join):
        told = cli("-readonly", str(settings.database), "-c", asked)
        assert told.stderr == ""
        assert told.stdout.splitlines() == [",".join(map(str, row)) for row in read(asked)]


def test_a_way_that_leaves_the_published_file_fails_the_build(settings, tmp_path: Path, monkeypatch) -> None:
    project = shutil.copytree(building.PROJECT, tmp_path / "dbt")
    described = project / "models" / "marts" / "_history.yml"
    described.write_text(described.read_text("utf-8").replace("as_of: known_from", "seen: never"), "utf-8")
    monkeypatch.setattr(building, "PROJECT", project)
    empty = Settings(home=tmp_path / "home", raw=tmp_path / "raw", registry_file=settings.registry_file)
    with pytest.raises(DlpulseError, match=r"^nothing was published: "):
        build(empty, registry.load(empty))
    why = (
        "as of: stg_arxiv__paper_windows reads source.dlpulse.parsed.paper_windows, which is not in the published file"
    )
    assert why in (empty.home / "build" / "logs" / "dbt.log").read_text("utf-8")
    assert not empty.database.exists()
