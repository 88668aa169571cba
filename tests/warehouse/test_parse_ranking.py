"""Github-Ranking's files, recorded and broken, through the parser."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from collectors.rankingcut import ours_alone
from warehouse.parse.ranking import conflicts, parse
from warehouse.parse.tables import TABLES, Rejected
from warehouse.raw import Response

HEADER = "rank,item,repo_name,stars,forks,language,repo_url,issues,last_commit\n"
KERAS = "1,Python,keras,49142,18488,Python,https://github.com/keras-team/keras,3153,2020-07-28T15:33:26Z\n"


def answer(body: bytes | str, status: int | None = 200, day: Any = "2020-07-31", **params: Any) -> Response:
    return Response(
        response_id="r-1", run_id="r", source="ranking", subject="missing" if status is None else str(day), url=None,
        params={"day": day, **params}, status=status, etag=None, revalidates=None,
        fetched_at=datetime(2026, 9, 11), body=body.encode() if isinstance(body, str) else body,
    )  # fmt: skip


def table(response: Response, wanted: str) -> list[dict[str, Any]]:
    return [row for name, row in parse(response) if name == wanted]


@pytest.fixture(params=["2018-12-18", "2026-08-22"])
def recorded(request: pytest.FixtureRequest, shared_data: Path) -> tuple[str, bytes]:
    return request.param, (shared_data / f"stars/github-ranking-{request.param}.csv").read_bytes()


def test_the_recorded_files_give_each_repository_once_with_its_owner(recorded):
    day, body = recorded
    rows = table(answer(body, day=day), "ranked_repos")
    stars = {row["full_name"]: row["stars"] for row in rows}
    assert len(stars) == len(rows) == {"2018-12-18": 2547, "2026-08-22": 3449}[day]
    wanted = {
        "2018-12-18": {"keras-team/keras": 36511, "pytorch/pytorch": 22867},
        "2026-08-22": {"keras-team/keras": 64244, "tensorflow/tensorflow": 197213, "pytorch/pytorch": 102529},
    }
    assert wanted[day].items() <= stars.items()


def test_the_recorded_files_give_the_same_facts_of_the_repositories_kept(recorded):
    day, body = recorded
    kept, told = ours_alone({"keras-team/keras", "pytorch/pytorch"}, body)
    (of_the_day, *ours) = parse(answer(kept, day=day, **told))
    whole = table(answer(body, day=day), "ranked_repos")
    names = ("keras-team/keras", "pytorch/pytorch")
    assert [row for _, row in ours] == [row for row in whole if row["full_name"] in names]
    assert (of_the_day[1]["repositories"], len(ours)) == (2, 2)
    assert kept.partition(b"\n")[0].strip() == HEADER.strip().encode()


def test_a_file_that_was_cut_may_hold_none_of_the_repositories():
    assert [row["repositories"] for row in table(answer(HEADER, names=["a/b"]), "ranking_days")] == [0]


def test_a_file_gives_a_row_of_its_day_and_of_its_repositories():
    found = list(parse(answer(HEADER + KERAS)))
    origin = {"response_id": "r-1", "fetched_at": datetime(2026, 9, 11), "day": date(2020, 7, 31)}
    counts = {"full_name": "keras-team/keras", "stars": 49142, "forks": 18488, "open_issues": 3153}
    assert found == [
        ("ranking_days", {**origin, "is_missing": False, "repositories": 1}),
        ("ranked_repos", {**origin, **counts}),
    ]
    assert all(set(row) == set(TABLES[name].names) for name, row in found)


def test_columns_are_found_by_their_names():
    body = "issues,repo_url,new,forks,stars\n5,https://github.com/a/b,x,7,9\n"
    (row,) = table(answer(body), "ranked_repos")
    assert (row["full_name"], row["stars"], row["forks"], row["open_issues"]) == ("a/b", 9, 7, 5)


def test_of_unlike_counts_in_one_file_the_first_is_taken():
    body = HEADER + KERAS + KERAS.replace("49142", "49143")
    assert [row["stars"] for row in table(answer(body), "ranked_repos")] == [49142]
    assert conflicts(answer(body)) == []


def test_counts_more_than_one_percent_apart_are_named():
    assert conflicts(answer(HEADER + KERAS + KERAS.replace("49142", "48142"))) == ["keras-team/keras"]


def test_a_404_alone_tells_nothing():
    assert list(parse(answer("404: Not Found", 404))) == []


def test_the_note_of_missing_days_gives_days_without_counts():
    note = answer(json.dumps({"days": ["2019-02-14", "2019-02-13"], "answers": ["r-7", "r-8"]}), None)
    assert [(row["day"], row["is_missing"], row["repositories"]) for _, row in parse(note)] == [
        (date(2019, 2, 14), True, None),
        (date(2019, 2, 13), True, None),
    ]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "not a ranking: its first line has no column repo_url"),
        ("<!DOCTYPE html><html></html>", "not a ranking: its first line has no column repo_url"),
        ("404: Not Found", "not a ranking: its first line has no column repo_url"),
        (HEADER.replace("stars", "star"), "not a ranking: its first line has no column stars"),
        (HEADER, "the ranking is empty"),
        (HEADER + KERAS + "2,Python,kera", "line 3 has 3 of 9 columns"),
        (HEADER + KERAS.replace("49142", "49,142"), "line 2 has 10 of 9 columns"),
        (HEADER + KERAS.replace("49142", "many"), "stars 'many' of keras-team/keras is not a count"),
        (HEADER + KERAS.replace("49142", "-1"), "stars '-1' of keras-team/keras is not a count"),
        (HEADER + KERAS.replace("18488", ""), "forks '' of keras-team/keras is not a count"),
        (HEADER + KERAS.replace("49142", "9" * 19), f"stars '{'9' * 19}' of keras-team/keras is not a count"),
        (HEADER + KERAS.replace("49142", "٤٩"), "stars '٤٩' of keras-team/keras is not a count"),
        (HEADER + KERAS.replace("keras-team/", ""), "repo_url 'https://github.com/keras' is no repository's address"),
        (HEADER + KERAS.replace("Python,keras", '"Python,keras'), "not a whole CSV file: unexpected end of data"),
        (HEADER.encode() + b"\xff\xfe", "not a ranking: it is not UTF-8"),
    ],
)
def test_what_is_no_whole_ranking_gives_no_facts(body, reason):
    with pytest.raises(Rejected) as rejected:
        list(parse(answer(body)))
    assert str(rejected.value) == reason


def test_what_was_wrong_before_the_cut_is_not_forgotten():
    with pytest.raises(Rejected, match="the file ends in the middle of a line"):
        list(parse(answer(HEADER + KERAS, damaged="the file ends in the middle of a line")))


@pytest.mark.parametrize("status", [304, 401, 500])
def test_a_refusal_gives_no_facts(status):
    with pytest.raises(Rejected, match=f"^status {status}$"):
        list(parse(answer("", status)))


@pytest.mark.parametrize("day", [None, "yesterday", 7])
def test_an_answer_that_does_not_tell_its_day_gives_no_facts(day):
    with pytest.raises(Rejected, match="is not like 2018-12-18"):
        list(parse(answer(HEADER + KERAS, day=day)))


@pytest.mark.parametrize("body", ["{}", "[]", "half", '{"days": [7]}'])
def test_a_malformed_note_gives_no_facts(body):
    with pytest.raises(Rejected):
        list(parse(answer(body, None)))
