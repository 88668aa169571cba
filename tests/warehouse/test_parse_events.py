"""ClickHouse's answers and the counts of hour files, whole and broken, through the parser."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from warehouse.parse.events import parse
from warehouse.parse.tables import TABLES, Rejected
from warehouse.raw import Response

KERAS, OLD = "keras-team/keras", "fchollet/keras"
ASKED = {"kind": "clickhouse", "names": [KERAS, OLD], "from": "2017-09-01", "until": "2017-10-01"}
CLOSING = {"repo_name": "", "day": "2017-09-01", "stars": "0", "of_rows": "3"}
WHOLE = [
    CLOSING,
    {"repo_name": OLD, "day": "2017-09-01", "stars": "41", "of_rows": "3"},
    {"repo_name": KERAS, "day": "2017-09-30", "stars": "37", "of_rows": "3"},
]


def answer(content: Any, status: int | None = 200, **params: Any) -> Response:
    body = content if isinstance(content, bytes) else "".join(f"{json.dumps(row)}\n" for row in content).encode()
    return Response(
        response_id="r-1", run_id="r", source="events", subject="s", url=None, params={**ASKED, **params},
        status=status, etag=None, revalidates=None, fetched_at=datetime(2026, 9, 11), body=body,
    )  # fmt: skip


def counts(response: Response) -> list[tuple[str, str, int]]:
    found = [row for name, row in parse(response) if name == "star_events"]
    return [(row["repo_name"], str(row["day"]), row["stars"]) for row in found]


def reason(response: Response) -> str:
    with pytest.raises(Rejected) as rejected:
        list(parse(response))
    return str(rejected.value)


def test_a_whole_answer_gives_its_counts_and_its_window():
    found = list(parse(answer(WHOLE)))
    origin = {"response_id": "r-1", "fetched_at": datetime(2026, 9, 11), "provider": "clickhouse", "hour": None}
    window = {"repo_names": [KERAS, OLD], "window_start": date(2017, 9, 1), "window_end": date(2017, 9, 30)}
    assert found == [
        ("event_windows", {**origin, **window}),
        ("star_events", {**origin, "repo_name": OLD, "day": date(2017, 9, 1), "stars": 41}),
        ("star_events", {**origin, "repo_name": KERAS, "day": date(2017, 9, 30), "stars": 37}),
    ]
    assert all(set(row) == set(TABLES[name].names) for name, row in found)


def test_counts_come_as_texts_or_as_numbers():
    numbers = [{**row, "stars": int(row["stars"]), "of_rows": 3} for row in WHOLE]
    assert counts(answer(numbers)) == counts(answer(WHOLE)) == [(OLD, "2017-09-01", 41), (KERAS, "2017-09-30", 37)]


def test_the_closing_row_alone_is_a_window_without_events():
    assert [name for name, _ in parse(answer([{**CLOSING, "of_rows": 1}]))] == ["event_windows"]


def test_an_exception_in_mid_body_gives_no_facts():
    body = json.dumps(WHOLE[0]).encode() + b"\nCode: 241. DB::Exception: Memory limit exceeded"
    assert reason(answer(body)) == ("line 2 of 2 is not JSON: 'Code: 241. DB::Exception: Memory limit exceeded'")


def test_a_result_that_may_have_been_cut_gives_no_facts():
    days = [str(date(2017, 9, 1) + timedelta(days=n % 30)) for n in range(1_000)]
    rows = [{"repo_name": KERAS, "day": day, "stars": 1, "of_rows": 1_000} for day in days]
    assert reason(answer(rows)) == "1,000 rows: ClickHouse cuts at 1,000 without a word"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (WHOLE[:2], "2 of 3 rows were received"),
        ([], "the closing row is missing: the answer is not whole"),
        ([{**WHOLE[1], "of_rows": 1}], "the closing row is missing: the answer is not whole"),
        ([{**CLOSING, "stars": 5, "of_rows": 1}], "the closing row is missing: the answer is not whole"),
        ([CLOSING, CLOSING, WHOLE[1]], "the closing row comes twice for 2017-09-01"),
        ([CLOSING, WHOLE[1], WHOLE[1]], "fchollet/keras comes twice for 2017-09-01"),
        ([*WHOLE[:2], {**WHOLE[2], "day": "2017-10-01"}],
         "2017-10-01 is outside the window asked, 2017-09-01 to 2017-09-30"),
        ([*WHOLE[:2], {**WHOLE[2], "day": "soon"}], "day 'soon' is not a day"),
        ([*WHOLE[:2], {**WHOLE[2], "repo_name": "Keras-team/keras"}], "repo_name 'Keras-team/keras' was not asked"),
        ([*WHOLE[:2], {**WHOLE[2], "repo_name": None}], "repo_name None was not asked"),
        ([*WHOLE[:2], {**WHOLE[2], "repo_name": []}], "repo_name [] was not asked"),
        ([*WHOLE[:2], {**WHOLE[2], "stars": -1}], "stars of keras-team/keras on 2017-09-30 -1 is not a count"),
        ([*WHOLE[:2], {**WHOLE[2], "stars": 1.5}], "stars of keras-team/keras on 2017-09-30 1.5 is not a count"),
        ([*WHOLE[:2], {**WHOLE[2], "stars": True}], "stars of keras-team/keras on 2017-09-30 True is not a count"),
        ([*WHOLE[:2], {**WHOLE[2], "of_rows": None}], "of_rows None is not a count"),
        ([*WHOLE[:2], "text"], "line 3 is not an object"),
    ],
)  # fmt: skip
def test_what_is_not_the_whole_answer_gives_no_facts(rows, expected):
    assert reason(answer(rows)) == expected


def test_bytes_that_are_no_text_give_no_facts():
    body = json.dumps(WHOLE[0]).encode() + b"\n\xff\xfe\n"
    assert reason(answer(body)).startswith("line 2 of 2 is not JSON")


def test_a_refusal_is_told_in_clickhouses_words():
    refusal = b"Code: 62. DB::Exception: Syntax error: failed at position 1. (SYNTAX_ERROR)\n"
    assert reason(answer(refusal, 400)).startswith("status 400: 'Code: 62. DB::Exception: Syntax error")
    assert reason(answer(b"<html>", 500)) == "status 500"


@pytest.mark.parametrize(
    "change", [{"from": None}, {"until": "soon"}, {"names": []}, {"names": "a"}, {"kind": "other"}]
)
def test_an_answer_that_does_not_tell_its_question_gives_no_facts(change):
    reason(answer(WHOLE, **change))


HOUR = {"day": "2015-01-01", "hour": 7, "names": [KERAS, OLD], "stars": {OLD: 3}, "lines": 90, "broken": 0}


def counted(status: int | None = None, **changes: Any) -> Response:
    return answer(json.dumps({**HOUR, **changes}).encode(), status, kind="gharchive")


def test_the_counts_of_an_hour_file_are_a_window_of_one_hour():
    found = list(parse(counted()))
    origin = {"response_id": "r-1", "fetched_at": datetime(2026, 9, 11), "provider": "gharchive", "hour": 7}
    window = {"repo_names": [KERAS, OLD], "window_start": date(2015, 1, 1), "window_end": date(2015, 1, 1)}
    assert found == [
        ("event_windows", {**origin, **window}),
        ("star_events", {**origin, "repo_name": OLD, "day": date(2015, 1, 1), "stars": 3}),
    ]
    assert all(set(row) == set(TABLES[name].names) for name, row in found)


@pytest.mark.parametrize(
    "changes",
    [{"hour": 24}, {"hour": "7"}, {"day": "x"}, {"stars": 3}, {"stars": {"who/else": 1}}, {"stars": {OLD: -1}}],
)
def test_malformed_counts_of_an_hour_file_give_no_facts(changes):
    reason(counted(**changes))


def test_a_refused_download_of_an_hour_file_gives_no_facts():
    response = answer(b"<Error>", 404)
    response.params.clear()  # type: ignore[attr-defined]
    assert reason(response) == "status 404"
