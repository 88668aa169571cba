"""Counts of surveys and of Papers with Code's links, whole and malformed, through the parser."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.parse.surveys import parse
from warehouse.parse.tables import TABLES, Rejected
from warehouse.raw import RUN_END, RUN_START, Response

COUNTS = {
    "survey": "stackoverflow",
    "year": 2024,
    "asked": True,
    "source_url": "https://github.com/StackExchange/Survey",
    "populations": {"all respondents": {"base": 10, "labels": {"Torch/PyTorch": 4, "Keras": 0}}},
}
UNASKED = COUNTS | {"year": 2025, "asked": False, "populations": {}}


def answer(content: Any, kind: str = "stackoverflow", status: int | None = None, **more: Any) -> Response:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    subject = more.pop("subject", "survey:stackoverflow:2024")
    return Response(
        response_id="r-1", run_id="r", source="surveys", subject=subject, url=None, params={"kind": kind, **more},
        status=status, etag=None, revalidates=None, fetched_at=datetime(2026, 9, 11), body=body,
    )  # fmt: skip


def among_all(base: Any, labels: Any) -> dict[str, Any]:
    return COUNTS | {"populations": {"all respondents": {"base": base, "labels": labels}}}


def test_every_option_of_every_population_is_a_row():
    rows = [row for table, row in parse(answer(COUNTS)) if table == "survey_answers"]
    assert [(row["label"], row["respondents"], row["base"]) for row in rows] == [
        ("Torch/PyTorch", 4, 10),
        ("Keras", 0, 10),
    ]
    assert (rows[0]["survey"], rows[0]["year"], rows[0]["population"]) == ("stackoverflow", 2024, "all respondents")
    assert (rows[0]["asked"], rows[0]["source_url"]) == (True, "https://github.com/StackExchange/Survey")
    assert set(rows[0]) == set(TABLES["survey_answers"].names)


def test_a_survey_that_did_not_ask_has_one_row_without_numbers():
    ((table, row),) = parse(answer(UNASKED))
    assert (table, row["year"], row["asked"], row["population"]) == ("survey_answers", 2025, False, "all respondents")
    assert (row["label"], row["respondents"], row["base"]) == (None, None, None)


def test_links_are_rows_by_month_and_label():
    rows = list(parse(answer({"months": {"2020-06": {"tf": 2, "none": 5}, "1999-12": {"none": 1}}}, "paperswithcode")))
    assert [(table, row["month"], row["label"], row["repositories"]) for table, row in rows] == [
        ("implementations", date(2020, 6, 1), "tf", 2),
        ("implementations", date(2020, 6, 1), "none", 5),
        ("implementations", date(1999, 12, 1), "none", 1),
    ]
    assert set(rows[0][1]) == set(TABLES["implementations"].names)


@pytest.mark.parametrize("subject", [RUN_START, RUN_END])
def test_the_start_and_end_of_a_run_give_no_rows(subject):
    assert list(parse(answer({}, subject=subject))) == []


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (answer(b"404: Not Found", status=404), "status 404"),
        (answer(b"<html>", status=200, fault="is a web page"), "is a web page"),
        (answer(COUNTS, status=200), "status 200"),
        (answer(COUNTS, "votes"), "unknown kind 'votes'"),
        (answer(b"{"), "not JSON"),
        (answer(b"\xff\xfe"), "not JSON"),
        (answer([]), "the counts: expected an object, found list"),
        (answer(COUNTS | {"survey": "votes"}), "unknown survey 'votes'"),
        (answer(COUNTS | {"year": "2024"}), "year '2024' is not a year"),
        (answer(COUNTS | {"year": 24}), "year 24 is not a year"),
        (answer(COUNTS | {"source_url": None}), "asked True or source_url None is malformed"),
        (answer(COUNTS | {"asked": 1}), "asked 1 or source_url"),
        (answer(COUNTS | {"asked": False}), "asked is False, and yet there are 1 populations"),
        (answer(UNASKED | {"asked": True}), "asked is True, and yet there are 0 populations"),
        (answer(among_all(0, {"Keras": 0})), "nobody answered among 'all respondents'"),
        (answer(among_all(10, {})), "nobody answered among 'all respondents'"),
        (answer(among_all(10, {"Keras": 11})), "11 of 10 all respondents named 'Keras'"),
        (answer(among_all(10, {"": 1})), "1 of 10 all respondents named ''"),
        (answer(among_all(10, {"Keras": -1})), "'Keras' among all respondents: -1 is not a count"),
        (answer(among_all(10, {"Keras": True})), "'Keras' among all respondents: True is not a count"),
        (answer(among_all(None, {"Keras": 1})), "the base of all respondents: None is not a count"),
        (answer({"months": {"2020-13": {"tf": 1}}}, "paperswithcode"), "month '2020-13' is not like 2020-06"),
        (answer({"months": {"2020-06": {"tf": "1"}}}, "paperswithcode"), "'tf' in 2020-06: '1' is not a count"),
        (answer({}, "paperswithcode"), "months: expected an object, found NoneType"),
    ],
)
def test_what_is_malformed_is_rejected_with_its_reason(response, reason):
    with pytest.raises(Rejected) as rejected:
        list(parse(response))
    assert str(rejected.value).startswith(reason)


def test_a_count_malformed_at_the_end_gives_no_row_at_all():
    rows = parse(answer(among_all(10, {"Keras": 1, "JAX": 11})))
    with pytest.raises(Rejected):
        next(rows)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, st.sampled_from(sorted(COUNTS)), st.sampled_from(["stackoverflow", "kaggle", "paperswithcode"]))
def test_arbitrary_json_is_read_or_rejected(value, key, kind):
    for content in (value, COUNTS | {key: value}, {"months": value}):
        try:
            rows = list(parse(answer(content, kind)))
        except Rejected:
            continue
        assert all(row["base"] is None or row["respondents"] <= row["base"] for table, row in rows if "base" in row)
