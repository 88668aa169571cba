"""What is asked of arXiv again, what never again, and what a plan says of it; against the world's arXiv."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from collectors import sources
from collectors.runner import open_context
from tests.collectors.conftest import NOW
from tests.world import World
from tests.world.corpus import Paper
from warehouse import registry
from warehouse.build import build
from warehouse.parse.papers import WINDOW_DONE
from warehouse.raw import Archive
from warehouse.settings import Settings

SINCE, UNTIL = date(2016, 1, 1), date(2017, 12, 31)
PAPERS = "search_query=.*ti%3A"
EVERYONE = tuple(registry.load(Settings(home=Path(), raw=Path(), registry_file=registry.SHIPPED)).frameworks)
YEAR_2025 = {"frameworks": EVERYONE, "since": date(2025, 1, 1), "until": date(2025, 12, 31)}
# What dlpulse's registry does not hold: asked for as any other.
NOVEL = """
[[framework]]
id = "novel"
name = "Novel"
colour = "#123456"
first_released_on = 2024-05-01
status = "active"
arxiv = { query = ["speech synthesis"], rules = [{ match = 'speech synthesis' }] }
"""


def windows(rows) -> list[tuple[date, int]]:
    return [(row["window_start"], row["received"]) for row in rows("paper_windows")]


def told_pages(settings) -> list[list[str]]:
    """The raw answers that each note of a finished window names."""
    answers = Archive(settings.raw).responses("papers")
    return [answer.json()["responses"] for answer in answers if answer.subject.startswith(WINDOW_DONE)]


def test_a_refresh_after_a_week_asks_the_last_14_days_in_one_request(world, gather, archived):
    gather("papers", ["pytorch"], since=date(2025, 9, 1))
    asked, later = len(world.requests), NOW + timedelta(days=7)
    world.at(later)
    gather("papers", ["pytorch"], since=date(2025, 9, 1), clock=lambda: later)
    assert len(world.requests) - asked == 1
    assert archived("papers")[-1].subject == "window:2026-09-05..2026-09-18"


def test_weekly_refreshes_find_what_came_in_late(world, gather, rows):
    for week in range(4):
        now = NOW + timedelta(days=7 * week)
        world.at(now)
        gather("papers", ["pytorch"], since=date(2026, 9, 1), clock=lambda now=now: now)
        late = Paper(f"2609.0000{week}", now.date() - timedelta(days=5), ("cs.LG",), "Late", "It uses PyTorch.")
        world.arxiv.papers.append(late)
    assert {row["arxiv_id"] for row in rows("papers")} >= {"2609.00000", "2609.00001", "2609.00002"}


def test_a_refresh_across_new_year_asks_each_year_for_its_days(shared_data, gather, archived):
    with World(shared_data, datetime(2026, 12, 28)) as world:
        for now in (datetime(2026, 12, 28), datetime(2027, 1, 4)):
            world.at(now)
            gather("papers", ["keras"], since=date(2026, 12, 1), arxiv_api=world.arxiv_api, clock=lambda now=now: now)
    assert [answer.subject for answer in archived("papers")] == [
        "window:2026-12-01..2026-12-28", "window:2027-01-01..2027-01-04", "count:2026-12",
        "window:2026-12-22..2026-12-31",
    ]  # fmt: skip


def test_a_framework_added_later_costs_only_its_own_windows(gather, archived):
    gather("papers", ["keras"], since=SINCE, until=UNTIL)
    asked = len(archived("papers"))
    outcome = gather("papers", ["keras", "theano"], since=SINCE, until=UNTIL)
    assert outcome.requests == 2
    later = archived("papers")[asked:]
    assert [answer.subject for answer in later] == ["window:2017", "window:2016"]
    assert [answer.params["query"].partition(")")[0] for answer in later] == ['(ti:"Theano" OR abs:"Theano"'] * 2


def test_a_framework_with_one_phrase_more_is_asked_for_anew(gather, archived, settings):
    framework = (
        '[[framework]]\nid = "keras"\nname = "Keras"\ncolour = "#123456"\nfirst_released_on = 2015-03-27\n'
        'status = "active"\narxiv = { query = ["Keras", "Keras 3"] }\n'
    )
    gather("papers", ["keras"], since=SINCE, until=UNTIL)
    (settings.home / "frameworks.toml").write_text(framework, "utf-8")
    assert gather("papers", ["keras"], since=SINCE, until=UNTIL).requests == 2
    assert 'abs:"Keras 3"' in archived("papers")[-1].params["query"]


def test_a_framework_that_dlpulse_never_heard_of_is_asked_from_its_first_year(world, gather, rows, settings):
    (settings.home / "frameworks.toml").write_text(NOVEL, "utf-8")
    outcome = gather("papers", ["novel"], until=date(2025, 12, 31))
    truth = {
        paper.arxiv_id
        for paper in world.arxiv.find('abs:"speech synthesis"')
        if date(2024, 1, 1) <= paper.submitted_on <= date(2025, 12, 31)
    }
    assert outcome.failed == []
    assert [start for start, _ in windows(rows)] == [date(2025, 1, 1), date(2024, 1, 1)]
    assert {row["arxiv_id"] for row in rows("papers")} == truth


def test_early_years_are_asked_for_all_frameworks_in_one_request_each(world, gather):
    gather("papers", ["theano", "pytorch"], until=date(2009, 12, 31))
    assert world.asked("ti%3A%22Theano%22.*ti%3A%22PyTorch%22|ti%3A%22PyTorch%22.*ti%3A%22Theano%22") == 2
    assert world.asked(PAPERS) == 2


def test_windows_noted_by_calendar_year_are_not_asked_again(settings, gather, archived):
    query = '(ti:"Keras" OR abs:"Keras") AND (cat:cs.LG) AND submittedDate:[201701010000 TO 201712312359]'
    with Archive(settings.raw).start("papers", lambda: datetime(2018, 3, 1)) as run:
        note = {"from": "2017-01-01", "until": "2017-12-31", "query": query, "total": 8, "received": 8}
        run.note(f"{WINDOW_DONE}2017", note)
    gather("papers", ["keras", "theano"], since=SINCE, until=UNTIL)
    asked = {answer.subject: answer.params["query"] for answer in archived("papers") if "window" in answer.subject}
    assert list(asked) == ["window:2017", "window:2016"]
    assert ("Keras" in asked["window:2017"], "Keras" in asked["window:2016"]) == (False, True)


def test_a_run_that_was_ended_within_a_window_goes_on_with_its_missing_page(world, gather, rows, archived, settings):
    world.fault("429", f"{PAPERS}.*start=500", count=-1, retry_after="7200")
    assert gather("papers", **YEAR_2025).left == "1 window of papers and 12 monthly totals"
    world.faults.clear()
    assert gather("papers", **YEAR_2025).failed == []
    assert (world.asked(f"{PAPERS}.*start=0&"), world.asked(f"{PAPERS}.*start=500&")) == (1, 2)
    pages = [answer for answer in archived("papers") if answer.subject == "window:2025" and answer.status == 200]
    assert [page.params["start"] for page in pages] == [0, 500]
    assert told_pages(settings) == [[page.response_id for page in pages]]
    everything = [paper for paper in world.arxiv.papers if paper.submitted_on.year == 2025]
    assert {row["arxiv_id"] for row in rows("papers")} == {paper.arxiv_id for paper in everything}
    assert windows(rows) == [(date(2025, 1, 1), len(everything))]


def test_a_paper_that_came_in_before_the_missing_page_has_the_window_read_anew(world, gather, rows, archived, settings):
    world.fault("429", f"{PAPERS}.*start=500", count=-1, retry_after="7200")
    gather("papers", **YEAR_2025)
    world.faults.clear()
    world.arxiv.papers.append(Paper("2501.00001", date(2025, 1, 2), ("cs.LG",), "Late", "It uses Keras."))
    assert gather("papers", **YEAR_2025).failed == []
    assert "2501.00001" in {row["arxiv_id"] for row in rows("papers")}
    assert world.asked(f"{PAPERS}.*start=0&") == 2
    pages = [answer for answer in archived("papers") if answer.subject == "window:2025" and answer.status == 200]
    assert told_pages(settings) == [[page.response_id for page in pages[-2:]]]


def test_pages_of_another_day_are_asked_again(world, gather):
    world.fault("429", f"{PAPERS}.*start=500", count=-1, retry_after="7200")
    gather("papers", **YEAR_2025)
    world.faults.clear()
    gather("papers", **YEAR_2025, clock=lambda: NOW + timedelta(days=1))
    assert world.asked(f"{PAPERS}.*start=0&") == 2


def test_a_year_and_its_december_are_asked_until_a_week_after_their_end(shared_data, gather):
    new_year, later = datetime(2027, 1, 3), datetime(2027, 1, 12)
    with World(shared_data, new_year) as world:
        options = {"since": date(2026, 1, 1), "until": date(2026, 12, 31), "arxiv_api": world.arxiv_api}
        requests = [
            gather("papers", ["keras"], clock=lambda now=now: now, **options).requests
            for now in (new_year, new_year, later, later)
        ]
    assert requests == [13, 2, 2, 0]


def test_a_month_counts_once_every_day_of_it_was_asked_in_some_window_and_a_week_has_passed(gather, settings):
    first, last = date(2016, 5, 1), date(2016, 6, 30)
    for until in (date(2016, 6, 15), last):
        gather("papers", ["keras"], since=first, until=until)
    gather("papers", ["theano"], since=first, until=date(2016, 6, 29))
    gather("papers", ["caffe"], since=first, until=last, clock=lambda: datetime(2016, 7, 6))
    gather("papers", ["torch7"], since=first, until=last, clock=lambda: datetime(2016, 7, 7))
    build(settings, registry.load(settings))
    with duckdb.connect(str(settings.database), read_only=True) as connection:
        found = connection.execute(
            "select framework_id, list(month order by month) from fct_mentions_monthly "
            "where base = 'any_framework' and papers is not null group by all"
        ).fetchall()
    may, june = date(2016, 5, 1), date(2016, 6, 1)
    assert dict(found) == {"keras": [may, june], "theano": [may], "caffe": [may], "torch7": [may, june]}


@pytest.fixture
def plan(settings):
    """What `collect papers --dry-run` tells."""

    def ask(frameworks=("keras",), *, delay=3.0, **days):
        chosen = replace(settings, arxiv_delay=delay)
        known = registry.load(chosen)
        choice = {"frameworks": known.choose(frameworks), "console": Console(quiet=True), **days}
        with open_context(chosen, known, ["papers"], **choice) as context:
            return sources.plan("papers", context)

    return ask


def test_a_plan_counts_windows_and_24_totals_and_asks_nothing(world, plan):
    found = plan()
    assert (found.calls, found.seconds) == (12 + 24, 36 * 3.0)
    assert found.left == "176 monthly totals"
    assert found.budget == "24 totals a run"
    assert world.requests == []


def test_a_plan_is_what_the_run_then_asks(plan, gather):
    days = {"since": date(2015, 1, 1), "until": date(2016, 6, 30)}
    planned = plan(**days)
    assert gather("papers", ["keras"], **days).requests == planned.calls == 2 + 18
    assert (plan(**days).calls, plan(**days).seconds) == (0, 0.0)
