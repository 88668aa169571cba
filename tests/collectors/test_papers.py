"""The papers collector through the arxiv package against the world's arXiv."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from collectors.paperplan import months
from tests.collectors.conftest import NOW
from warehouse import registry
from warehouse.parse.papers import WINDOW_DONE
from warehouse.raw import Archive
from warehouse.settings import Settings

SINCE, UNTIL = date(2016, 1, 1), date(2017, 12, 31)
YEAR_2017 = "search_query=.*ti.*201701010000"
EVERYONE = tuple(registry.load(Settings(home=Path(), raw=Path(), registry_file=registry.SHIPPED)).frameworks)


@pytest.fixture
def truth(world):
    """The ids of the corpus's papers of 2016 and 2017 that name Keras, in title or abstract."""
    categories = {"cs.LG", "cs.CV", "cs.CL", "cs.AI", "cs.NE", "stat.ML"}
    return {
        paper.arxiv_id
        for paper in world.arxiv.papers
        if SINCE <= paper.submitted_on <= UNTIL
        and categories & set(paper.categories)
        and (paper.names("ti", "Keras") or paper.names("abs", "Keras"))
    }


@pytest.fixture
def read(gather):
    """Collect the papers of 2016 and 2017 that name Keras."""
    return lambda **changes: gather("papers", ["keras"], **{"since": SINCE, "until": UNTIL} | changes)


def windows(rows) -> list[tuple[date, int]]:
    return [(row["window_start"], row["received"]) for row in rows("paper_windows")]


def test_papers_found_are_those_of_the_feed(read, rows, truth):
    outcome = read()
    assert outcome.failed == []
    assert {row["arxiv_id"] for row in rows("papers")} == truth
    assert outcome.new == len(truth) + 24
    assert windows(rows)[0][0] == date(2017, 1, 1)
    assert sum(received for _, received in windows(rows)) == len(truth)


def test_all_frameworks_at_once_give_every_paper_of_the_six_categories(world, gather, rows):
    outcome = gather("papers", EVERYONE, since=date(2014, 1, 1), until=UNTIL)
    assert outcome.failed == []
    assert len(rows("papers")) == len({row["arxiv_id"] for row in rows("papers")}) == 105


def test_a_paper_keeps_its_own_words_and_day(gather, rows):
    gather("papers", ["caffe"], since=date(2014, 1, 1), until=date(2014, 12, 31))
    (caffe,) = [row for row in rows("papers") if row["arxiv_id"] == "1408.5093"]
    assert caffe["title"] == "Caffe: Convolutional Architecture for Fast Feature Embedding"
    assert (caffe["submitted_on"], caffe["primary_category"]) == (date(2014, 6, 20), "cs.CV")
    assert caffe["categories"] == ["cs.CV", "cs.LG", "cs.NE"]


def test_months_are_counted_newest_first_24_a_run(world, gather, rows):
    outcome = gather("papers", ["keras"])
    months = [row["month"] for row in rows("paper_counts")]
    assert (months[0], months[-1], len(months)) == (date(2026, 8, 1), date(2024, 9, 1), 24)
    assert {f"{row['month']:%Y-%m}": row["papers"] for row in rows("paper_counts")}["2025-03"] == 2_020 + 51
    assert outcome.left == "176 monthly totals"


def test_the_newest_year_comes_first_then_counts_then_older_years(gather, archived):
    gather("papers", ["pytorch"], since=date(2024, 1, 1))
    kinds = [answer.subject for answer in archived("papers")]
    assert kinds[0] == "window:2026-01-01..2026-09-11"
    assert kinds[1] == "count:2026-08"
    assert kinds[-2:] == ["window:2025", "window:2024"]


def test_a_second_run_asks_no_finished_year_and_no_counted_month(world, read, rows):
    read()
    before, asked = rows("papers"), len(world.requests)
    outcome = read()
    assert (outcome.requests, outcome.new, len(world.requests) - asked) == (0, 0, 0)
    assert rows("papers") == before


def test_the_query_names_phrases_categories_and_window(world, gather, archived):
    gather("papers", ["cntk"], since=date(2017, 1, 1), until=UNTIL)
    assert archived("papers")[0].params["query"] == (
        '(ti:"CNTK" OR abs:"CNTK" OR ti:"Cognitive Toolkit" OR abs:"Cognitive Toolkit")'
        " AND (cat:cs.LG OR cat:cs.CV OR cat:cs.CL OR cat:cs.AI OR cat:cs.NE OR cat:stat.ML)"
        " AND submittedDate:[201701010000 TO 201712312359]"
    )


@pytest.mark.parametrize("kind", ["429", "500", "503", "reset", "html", "truncated", "broken-off", "empty", "slow"])
def test_a_passing_fault_is_outlived_by_retrying(world, read, rows, truth, kind):
    world.fault(kind, YEAR_2017, seconds=1.3)
    outcome = read()
    assert (outcome.failed, outcome.left) == ([], "")
    assert {row["arxiv_id"] for row in rows("papers")} == truth


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("html", "not an Atom feed (a web page?)"),
        ("truncated", "not XML (cut short, or a web page)"),
        ("broken-off", "the answer broke off before its end"),
        ("empty", "an empty page, although 8 papers match"),
        ("500", "status 500: Unavailable"),
        # Without a time to come back it is an outage, and no limit.
        ("503", "status 503: Unavailable"),
        ("wrong-total", "an empty page, although 15 papers match"),
    ],
)
def test_a_lasting_fault_fails_its_window_alone_and_the_next_run_mends_it(world, read, rows, truth, kind, line):
    world.fault(kind, YEAR_2017, count=-1)
    outcome = read()
    assert len(outcome.failed) == 1
    assert outcome.failed[0].startswith(f"papers of 2017: {line}")
    assert outcome.left == "1 window of papers"
    assert [start for start, _ in windows(rows)] == [date(2016, 1, 1)]
    assert {row["arxiv_id"] for row in rows("papers")} <= truth
    world.faults.clear()
    assert (read().failed, {row["arxiv_id"] for row in rows("papers")}) == ([], truth)


@pytest.mark.parametrize("kind", ["429", "503"])
def test_a_long_retry_after_ends_the_run_and_says_when_to_come_back(world, read, rows, truth, kind):
    world.fault(kind, "search_query", after=3, retry_after="7200")
    outcome = read()
    assert (outcome.failed, outcome.retry_at) == ([], NOW + timedelta(hours=2))
    assert outcome.left == "1 window of papers and 22 monthly totals"
    assert read().left == ""
    assert {row["arxiv_id"] for row in rows("papers")} == truth


def test_a_query_that_arxiv_refuses_is_no_paper(gather, rows, settings):
    (settings.home / "frameworks.toml").write_text(
        '[[framework]]\nid = "odd"\nname = "Odd"\ncolour = "#123456"\nfirst_released_on = 2016-01-01\n'
        'status = "active"\narxiv = { query = ["("] }\n',
        "utf-8",
    )
    outcome = gather("papers", ["odd"], since=SINCE, until=date(2016, 12, 31))
    assert outcome.failed[0].startswith("papers of 2016: arXiv's error: malformed query")
    assert (rows("papers"), rows("paper_windows")) == ([], [])


def test_an_empty_count_is_no_zero(world, gather, rows):
    world.fault("empty", "search_query", count=-1)
    outcome = gather("papers", ["keras"], since=date(2017, 3, 1), until=date(2017, 3, 31))
    assert rows("paper_counts") == []
    assert any(line.startswith("papers in 2017-03: an empty page") for line in outcome.failed)


def test_more_than_30000_papers_are_read_in_halves(world, read, rows, truth):
    world.fault("wrong-total", YEAR_2017 + ".*1231", amount=40_000)
    outcome = read()
    assert outcome.failed == []
    assert world.asked("201701010000.*201707022359") == 1
    assert world.asked("201707030000.*201712312359") == 1
    assert {row["arxiv_id"] for row in rows("papers")} == truth
    assert [start for start, _ in windows(rows)] == [date(2017, 1, 1), date(2017, 7, 3), date(2016, 1, 1)]
    assert sum(received for _, received in windows(rows)[:2]) == 8


def test_after_a_kill_only_windows_without_a_note_are_asked(world, gather, settings, rows, truth):
    keras = {"frameworks": ["keras"], "since": SINCE, "until": UNTIL}
    gather("papers", **keras)
    # As a kill leaves it: the run has no end, and its parts are not merged.
    (merged,) = (settings.raw / "source=papers").iterdir()
    answers = list(Archive(settings.raw).read(merged))
    merged.unlink()
    killed = Archive(settings.raw).start("papers", lambda: NOW)
    for answer in answers[: [one.subject for one in answers].index("window:2016")]:
        killed.write(answer.subject, answer.body, url=answer.url, params=answer.params, status=answer.status)
    asked = len(world.requests)
    outcome = gather("papers", **keras)
    assert (outcome.failed, len(world.requests) - asked) == ([], 1)
    assert {row["arxiv_id"] for row in rows("papers")} == truth


def test_a_host_that_refuses_is_named_once(read):
    outcome = read(arxiv_api="http://127.0.0.1:9/api/query")
    assert outcome.failed == ["arXiv at 127.0.0.1:9 cannot be reached: connection refused"]
    assert (outcome.reached, outcome.left) == (False, "2 windows of papers and 24 monthly totals")


def test_every_answer_is_kept_with_its_status(world, read, archived):
    world.fault("html", YEAR_2017, count=-1)
    read()
    pages = [answer for answer in archived("papers") if answer.params["kind"] == "window"]
    assert [(answer.status, answer.body[:5]) for answer in pages[:3]] == [(200, b"<!DOC")] * 3


def test_a_finished_window_is_noted_with_its_usable_pages_alone(world, read, settings, archived):
    world.fault("html", YEAR_2017)
    read()
    notes = [note for note in Archive(settings.raw).responses("papers") if note.subject.startswith(WINDOW_DONE)]
    pages = [answer.response_id for answer in archived("papers") if answer.params["kind"] == "window"]
    assert len(pages) == 3
    assert [json.loads(note.body)["responses"] for note in notes] == [pages[1:2], pages[2:]]


def test_three_totals_that_are_never_given_do_not_starve_the_other_windows_and_totals(world, read):
    world.fault("html", "search_query=%28cat.*20171[012]01", count=-1)
    first = read()
    assert (len(first.failed), first.left) == (4, "1 window of papers and 24 monthly totals")
    assert first.refused == ["papers in 2017-12", "papers in 2017-11", "papers in 2017-10"]
    assert read().left == "3 monthly totals"


def test_a_window_that_is_never_given_is_asked_after_all_others(world, read, archived):
    world.fault("html", YEAR_2017, count=-1)
    read(since=date(2017, 1, 1), until=date(2017, 1, 31))
    read(until=date(2017, 1, 31))
    asked = [answer.subject for answer in archived("papers") if answer.params["kind"] == "window"]
    assert asked == ["window:2017-01-01..2017-01-31"] * 3 + ["window:2016"] + ["window:2017-01-01..2017-01-31"] * 3


def test_a_finished_window_is_noted_with_its_query(read, settings):
    read()
    notes = [note for note in Archive(settings.raw).responses("papers") if note.subject.startswith(WINDOW_DONE)]
    assert [note.subject for note in notes] == ["window-done:2017", "window-done:2016"]
    assert 'ti:"Keras"' in json.loads(notes[0].body)["query"]


def test_a_source_without_usable_answers_is_given_up_after_three(world, gather):
    world.fault("html", "search_query", count=-1)
    outcome = gather("papers", ["keras"])
    assert outcome.failed[-1] == "arXiv gave no usable answer 3 times in a row"
    assert (len(outcome.failed), outcome.reached) == (4, True)


@pytest.mark.parametrize(
    ("since", "until", "first"),
    [(None, date.max, date(2026, 8, 1)), (date.min, date(2010, 2, 28), date(2010, 2, 1)), (None, date.min, None)],
)
def test_days_beyond_all_papers_cut_nothing(since, until, first):
    assert next(months(NOW.date(), since, until), None) == first


@pytest.mark.parametrize("until", [date.max, date.min])
def test_days_beyond_all_papers_fail_nothing(gather, until):
    assert gather("papers", ["pytorch"], since=until.replace(month=1, day=1), until=until).failed == []


def test_a_password_in_the_address_is_kept_nowhere(gather, settings, archived):
    world_api = settings.arxiv_api
    outcome = gather("papers", ["keras"], since=UNTIL, until=UNTIL, arxiv_api=world_api.replace("//", "//me:s3cret@"))
    assert outcome.failed == []
    assert {answer.url for answer in archived("papers")} == {world_api}
    outcome = gather("papers", ["keras"], until=SINCE, arxiv_api="http://me:s3cret@127.0.0.1:9/api/query")
    assert outcome.failed == ["arXiv at 127.0.0.1:9 cannot be reached: connection refused"]
    assert "s3cret" not in repr(list(Archive(settings.raw).responses()))
