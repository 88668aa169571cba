"""The ranking collector against the world's daily files."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from collectors.rankingcut import ours_alone
from tests.collectors.conftest import NOW
from tests.world.ranking import MISSING
from warehouse.raw import Archive

QUIET = Console(quiet=True)
AUGUST = {"since": date(2026, 8, 1), "until": date(2026, 8, 31)}
NAMES_IN_2018 = [
    "BVLC/caffe", "Microsoft/CNTK", "PaddlePaddle/Paddle", "Theano/Theano", "apache/incubator-mxnet",
    "keras-team/keras", "pytorch/pytorch", "tensorflow/tensorflow", "torch/torch7",
]  # fmt: skip
SPRING = {"since": date(2026, 3, 1), "until": date(2026, 5, 31)}


@pytest.fixture
def asked(world):
    """The days of the files asked so far, in order."""
    return lambda: [match[1] for target in world.requests if (match := re.search(r"ranking-([\d-]+)\.csv", target))]


def stars(rows: Any, day: date) -> dict[str, int]:
    return {row["full_name"]: row["stars"] for row in rows("ranked_repos") if row["day"] == day}


def missing(rows: Any) -> set[date]:
    return {row["day"] for row in rows("ranking_days") if row["is_missing"]}


def present(rows: Any) -> set[date]:
    return {row["day"] for row in rows("ranking_days") if not row["is_missing"]}


def test_a_months_last_day_gives_what_the_pages_showed(world, gather, rows):
    outcome = gather("ranking", **SPRING)
    assert (outcome.failed, outcome.left, outcome.requests) == ([], "", 3)
    for day in (date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 31)):
        truth = world.ranking.truth(day)
        assert truth["keras-team/keras"] > 50_000
        assert truth.items() <= stars(rows, day).items()
    assert missing(rows) == set()


def test_a_run_asks_24_files_newest_month_first(gather, asked):
    outcome = gather("ranking")
    assert (outcome.requests, outcome.failed) == (24, [])
    assert asked()[:9] == [
        "2026-08-31", "2026-07-31", "2026-06-30", "2026-05-31", "2026-04-30", "2026-03-31", "2026-02-28", "2026-01-31",
        "2025-12-31",
    ]  # fmt: skip
    # 2025-12-31 has no file, so that the 24 files are of 23 of the 93 months since 2018-12.
    assert (asked()[9], outcome.left) == ("2025-12-30", "70 months of the ranking")


def test_all_months_are_read_in_four_runs_and_then_none_is_asked(gather, rows, asked):
    left = [gather("ranking").left for _ in range(5)]
    # Of the 93 months, two have no file of their last day and cost a second one.
    assert left[3:] == ["", ""]
    assert len(asked()) == len(set(asked())) == 95
    assert len(present(rows)) == 93
    assert missing(rows) == {date(2020, 8, 31), date(2025, 12, 31)}
    assert min(present(rows)) == date(2018, 12, 31)


def test_a_month_without_its_last_day_takes_the_day_before(world, gather, rows):
    outcome = gather("ranking", since=date(2025, 12, 1), until=date(2025, 12, 31))
    assert (outcome.failed, outcome.left, outcome.requests) == ([], "", 2)
    assert (missing(rows), present(rows)) == ({date(2025, 12, 31)}, {date(2025, 12, 30)})
    assert world.ranking.truth(date(2025, 12, 30)).items() <= stars(rows, date(2025, 12, 30)).items()


def test_a_month_whose_last_six_days_have_no_file_is_missing(world, gather, rows, asked):
    world.fault("404", r"ranking-2026-08-(2[6-9]|3\d)", count=-1)
    outcome = gather("ranking", since=date(2026, 7, 1), until=date(2026, 8, 31))
    assert (outcome.failed, outcome.left, outcome.requests) == ([], "", 7)
    assert missing(rows) == {date(2026, 8, day) for day in range(26, 32)}
    assert gather("ranking", since=date(2026, 7, 1), until=date(2026, 8, 31)).requests == 0


def test_nothing_but_404s_is_believed_only_when_the_first_file_of_all_is_there(world, gather, rows, asked):
    world.fault("404", "ranking-2026-08", count=-1)
    outcome = gather("ranking", **AUGUST)
    assert (outcome.failed, outcome.left) == ([], "")
    assert (asked()[-1], len(missing(rows))) == ("2018-12-18", 6)


def test_a_wrong_address_makes_no_day_missing(world, gather, rows, settings):
    outcome = gather("ranking", ranking_base=f"{settings.ranking_base}/moved", **AUGUST)
    assert outcome.failed == [
        "ranking of 2026-08-31: no file (404), nor of any other of the 6 days asked, nor of 2018-12-18, "
        "the first there is: is DLPULSE_RANKING_BASE still right?"
    ]
    assert (rows("ranking_days"), outcome.left) == ([], "1 month of the ranking")
    assert gather("ranking", **AUGUST).failed == []
    assert (present(rows), missing(rows)) == ({date(2026, 8, 31)}, set())


def test_every_day_is_asked_once_and_days_without_a_file_are_told(world, gather, rows, asked):
    june = {"since": date(2021, 5, 30), "until": date(2021, 6, 4), "every": "day"}
    outcome = gather("ranking", **june)
    assert (outcome.failed, outcome.left, outcome.requests) == ([], "", 6)
    assert asked() == [f"2021-0{day}" for day in ("6-04", "6-03", "6-02", "6-01", "5-31", "5-30")]
    assert missing(rows) == {day for day in MISSING if day.year == 2021} == {date(2021, 6, 1), date(2021, 6, 2)}
    assert gather("ranking", **june).requests == 0


def test_every_day_begins_with_yesterday_and_says_what_is_left(gather, asked):
    outcome = gather("ranking", every="day")
    assert (asked()[0], asked()[-1], outcome.requests) == ("2026-09-10", "2026-08-18", 24)
    assert outcome.left == f"{(date(2026, 9, 10) - date(2018, 12, 18)).days + 1 - 24:,} days of the ranking"


def test_the_first_day_of_all_is_read_and_none_before_it_is_asked(gather, rows, asked):
    outcome = gather("ranking", since=date(2018, 1, 1), until=date(2018, 12, 19), every="day")
    assert (outcome.failed, asked()) == ([], ["2018-12-19", "2018-12-18"])
    assert stars(rows, date(2018, 12, 18))["keras-team/keras"] == 36_511
    assert sorted(stars(rows, date(2018, 12, 18))) == NAMES_IN_2018


def test_a_month_that_is_not_over_is_not_asked(gather, asked):
    gather("ranking", since=date(2026, 9, 1))
    assert asked() == []


def test_a_file_that_is_not_there_yet_is_asked_again_until_its_day_is_settled(world, gather, rows, asked):
    evening = {"since": date(2026, 9, 8), "until": date(2026, 9, 10), "every": "day"}
    world.fault("404", "ranking-2026-09-(08|10)", count=2)
    assert gather("ranking", **evening).failed == []
    assert missing(rows) == {date(2026, 9, 8), date(2026, 9, 10)}
    # 2026-09-08 and 2026-09-10 were younger than four days; both are there by now.
    assert gather("ranking", **evening).requests == 2
    assert present(rows) == {date(2026, 9, 8), date(2026, 9, 9), date(2026, 9, 10)}
    assert asked()[3:] == ["2026-09-10", "2026-09-08"]


def test_no_persons_name_is_archived(world, gather, archived):
    gather("ranking", since=date(2026, 8, 22), until=date(2026, 8, 22), every="day")
    (answer,) = archived("ranking")
    original = (world.ranking.recorded / "github-ranking-2026-08-22.csv").read_bytes()
    before = list(csv.DictReader(io.StringIO(original.decode(), newline="")))
    after = list(csv.DictReader(io.StringIO(answer.body.decode(), newline="")))
    names = answer.params["names"]
    ours = [row for row in before if row["repo_url"].removeprefix("https://github.com/").lower() in names]
    assert after == [{key: row[key] for key in row if key not in ("username", "description")} for row in ours]
    assert {"keras-team/keras", "fchollet/keras", "google/jax", "jax-ml/jax"} <= set(names)
    assert b"codecrafters-io" not in answer.body
    assert answer.params == {
        "day": "2026-08-22",
        "cut": ["username", "description"],
        "names": sorted(names),
        "bytes": len(original),
        "sha256": hashlib.sha256(original).hexdigest(),
    }


@pytest.mark.parametrize("kind", ["truncated", "invalid-utf8", "huge"])
def test_no_persons_name_is_archived_of_a_spoiled_file_either(world, gather, archived, kind):
    world.fault(kind, "ranking-2026-08-22")
    outcome = gather("ranking", since=date(2026, 8, 22), until=date(2026, 8, 22), every="day")
    assert len(outcome.failed) == 1
    (answer,) = archived("ranking")
    assert b"https://github.com/tensorflow/tensorflow" in answer.body
    assert b"A collective list of free APIs" not in answer.body
    assert b"public-apis" not in answer.body
    assert answer.body.startswith(b"rank,item,repo_name,stars,forks,language,repo_url,issues,last_commit\n")


A, B = "https://github.com/a/a", "https://github.com/B/b"


def test_a_name_within_quotes_and_lines_is_cut_as_well():
    body = f'repo_url,stars,forks,issues,description\r\n{A},1,2,3,"by ""Ann"",\r\nof, Oslo"\r\n{B},4,5,6,x\r\n'
    kept = ours_alone({"a/a", "b/b"}, body.encode())[0]
    assert kept.decode() == f"repo_url,stars,forks,issues\r\n{A},1,2,3\r\n{B},4,5,6\r\n"


def test_lines_of_other_repositories_are_not_kept_and_case_does_not_matter():
    body = f"repo_url,stars,forks,issues\n{A},1,2,3\n{B},4,5,6\n"
    kept, told = ours_alone({"b/b", "c/c"}, body.encode())
    assert (kept.decode(), told["names"]) == (f"repo_url,stars,forks,issues\n{B},4,5,6\n", ["b/b", "c/c"])


@pytest.mark.parametrize(
    ("lines", "damage"),
    [
        (f"{A},1,2,3,by Ann, of Oslo\n", "line 2 has 6 of 5 columns"),
        ("https://example.org/a/a,1,2,3,x\n", "line 2: repo_url 'https://example.org/a/a' is no repository's address"),
        (f'{A},1,2,3,"x\n', "line 2: unexpected end of data"),
        ("", "the ranking is empty"),
    ],
)
def test_what_is_wrong_in_lines_that_are_not_kept_is_told(lines, damage):
    kept, told = ours_alone({"a/a"}, f"repo_url,stars,forks,issues,description\n{lines}".encode())
    assert (kept, told["damaged"]) == (b"repo_url,stars,forks,issues\n", damage)


def test_what_is_no_ranking_is_archived_as_it_came():
    page = b"<!DOCTYPE html>\n<title>Sign in</title>"
    assert ours_alone({"a/a"}, page) == (page, {})


NEWCOMER = """
[[framework]]
id = "newcomer"
name = "Newcomer"
colour = "#123456"
first_released_on = 2018-05-20
status = "active"
repositories = [{ name = "Filler-1/thing", formerly = ["filler-2/thing"] }]
"""


def test_a_framework_added_later_asks_the_days_again_and_once(gather, settings, rows, asked):
    gather("ranking", **AUGUST)
    assert [name for name in stars(rows, date(2026, 8, 31)) if "filler" in name] == []
    (settings.home / "frameworks.toml").write_text(NEWCOMER, "utf-8")
    gather("ranking", ["newcomer"], **AUGUST)
    assert sorted(name for name in stars(rows, date(2026, 8, 31)) if "filler" in name) == [
        "filler-1/thing",
        "filler-2/thing",
    ]
    gather("ranking", ["newcomer", "chainer"], **AUGUST)
    assert asked() == ["2026-08-31", "2026-08-31"]


def test_a_repository_is_kept_under_the_name_that_the_stars_told(world, gather, rows, archived):
    world.github.rename("keras-team/keras", "new-home/Keras")
    gather("stars", ["keras"], since=date(2026, 9, 1))
    gather("ranking", since=date(2026, 9, 10), until=date(2026, 9, 10), every="day")
    assert "new-home/keras" in archived("ranking")[0].params["names"]


def test_a_month_refused_lately_is_asked_last(world, gather, asked):
    world.fault("html", "ranking-2026-05-31", count=-1)
    assert gather("ranking", since=date(2026, 4, 1)).refused == ["2026-05-31"]
    gather("ranking", since=date(2026, 3, 1))
    assert asked()[-2:] == ["2026-03-31", "2026-05-31"]


def test_by_due_a_refused_month_rests_a_day_and_the_run_ends_well(world, due, asked):
    world.fault("html", "ranking-2026-05-31", count=-1)
    first, second = due("ranking", 0, **SPRING), due("ranking", 1, **SPRING)
    assert (first.refused, second.failed, second.requests) == (["2026-05-31"], [], 0)
    assert second.left == "1 month of the ranking"
    assert [due("ranking", hours, **SPRING).requests for hours in (22, 24)] == [0, 1]


def test_by_due_a_wrong_address_is_asked_once_a_day(world, due):
    world.fault("404", "github-ranking-", count=-1)
    first, second = due("ranking", 0), due("ranking", 1)
    assert (first.requests, second.requests, second.failed) == (25, 0, [])
    assert second.left == "93 months of the ranking"


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("html", "not a ranking: its first line has no column repo_url (raw answer "),
        ("empty", "not a ranking: its first line has no column repo_url (raw answer "),
        ("truncated", "the file ends in the middle of a line (raw answer "),
        ("invalid-utf8", "the file is not UTF-8 at byte "),
        ("broken-off", "the answer broke off before its end"),
        ("304", "the ranking's server answered with status 304 (raw answer "),
        ("401", "the ranking's server answered with status 401 (raw answer "),
        ("huge", "the answer is larger than 32 MiB (its head is raw answer "),
    ],
)
def test_a_bad_file_is_named_and_the_next_months_go_on(world, gather, rows, asked, kind, line):
    world.fault(kind, "ranking-2026-04-30", count=-1)
    outcome = gather("ranking", **SPRING)
    assert len(outcome.failed) == 1
    assert outcome.failed[0].startswith(f"ranking of 2026-04-30: {line}")
    assert outcome.left == "1 month of the ranking"
    assert present(rows) == {date(2026, 3, 31), date(2026, 5, 31)}
    world.faults.clear()
    before = len(asked())
    assert gather("ranking", **SPRING).left == ""
    assert asked()[before:] == ["2026-04-30"]


def test_three_bad_files_in_a_row_end_the_run(world, gather, asked):
    world.fault("html", count=-1)
    outcome = gather("ranking")
    assert len(asked()) == 3
    assert outcome.failed[3] == "the ranking's server gave no usable answer 3 times in a row"
    assert outcome.left == "93 months of the ranking"


def test_after_a_limit_in_the_middle_only_the_missing_is_asked(world, gather, rows, asked):
    world.fault("429", "ranking-2026-03-31", count=1, retry_after="7200")
    outcome = gather("ranking", **SPRING)
    assert (outcome.failed, outcome.left) == ([], "1 month of the ranking")
    assert outcome.retry_at == NOW + timedelta(hours=2)
    assert present(rows) == {date(2026, 4, 30), date(2026, 5, 31)}
    gather("ranking", **SPRING)
    assert asked() == ["2026-05-31", "2026-04-30", "2026-03-31", "2026-03-31"]


def test_an_unreachable_server_is_named_once(gather):
    outcome = gather("ranking", ranking_base="http://127.0.0.1:9")
    assert outcome.failed == ["the ranking's server at 127.0.0.1:9 cannot be reached: connection refused"]
    assert (outcome.reached, outcome.left) == (False, "93 months of the ranking")


def test_unlike_counts_in_one_file_are_noticed(world, gather, rows):
    body = world.ranking._file(date(2026, 5, 31)).decode()
    line = next(line for line in body.splitlines() if "/keras-team/keras," in line)
    cells = line.split(",")
    cells[3] = str(int(cells[3]) * 2)
    world.ranking._files[date(2026, 5, 31)] = f"{body}{','.join(cells)}\n".encode()
    outcome = gather("ranking", **SPRING)
    assert outcome.noticed == ["ranking of 2026-05-31: unlike counts of keras-team/keras"]
    assert stars(rows, date(2026, 5, 31))["keras-team/keras"] * 2 == int(cells[3])


def test_the_plan_says_what_a_run_asks_and_leaves(gather, planned):
    def told(**days: date) -> tuple[int, float, str, str]:
        found = planned("ranking", **days)
        return found.calls, found.seconds, found.budget, found.left

    assert told() == (24, 24.0, "24 a run", "69 months of the ranking")
    assert told(**AUGUST) == (6, 6.0, "24 a run", "")
    gather("ranking", **AUGUST)
    assert told(**AUGUST) == (0, 0.0, "24 a run", "")


def test_a_killed_runs_files_are_not_asked_again(world, gather, settings, asked):
    gather("ranking", **SPRING)
    # A kill leaves single parts without the run's end.
    (part,) = Archive(settings.raw).parts("ranking")
    answers = [answer for answer in Archive(settings.raw).read(part) if answer.subject == "2026-05-31"]
    part.unlink()
    run = Archive(settings.raw).start("ranking", lambda: datetime(2026, 9, 11))
    run.write(answers[0].subject, answers[0].body, params=answers[0].params, status=200)
    before = len(asked())
    gather("ranking", **SPRING)
    assert asked()[before:] == ["2026-04-30", "2026-03-31"]
