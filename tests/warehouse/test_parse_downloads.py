"""The parser of downloads, on answers of its three providers written out here."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta

import pytest

from warehouse.parse import Rejected, rows_of
from warehouse.parse.downloads import BIASES, normal
from warehouse.raw import Response

STATS = {"kind": "pypistats", "package": "keras", "mirrors": False}
WINDOW = {"kind": "clickhouse", "package": "keras", "from": "2020-01-01", "until": "2021-01-01"}
CONDA = {"kind": "conda", "month": "2019-03", "packages": ["keras"], "rules": "1"}
FIRST = date(2020, 1, 1)


def answer(body, params, status=200):
    """One archived answer, given on 2026-09-11."""
    return Response(
        response_id="r-1",
        run_id="r",
        source="downloads",
        subject="keras",
        url=None,
        params=params,
        status=status,
        etag=None,
        revalidates=None,
        fetched_at=datetime(2026, 9, 11, 15),
        body=body if isinstance(body, bytes) else json.dumps(body).encode(),
    )


def told(body, params, status=200):
    rows = [row for _, row in rows_of(answer(body, params, status))]
    return [(row["package"], row["day"], row["downloads"]) for row in rows]


def stats(*days, category="without_mirrors", **more):
    entries = [{"category": category, "date": day, "downloads": downloads} for day, downloads in days]
    return {"data": entries, "package": "keras", "type": "overall_downloads", **more}


def lines(*rows, of_rows=None):
    """ClickHouse's answer: the sentinel and the rows (project, day, downloads)."""
    every = [("", "2020-01-01", "0"), *rows]
    count = str(len(every) if of_rows is None else of_rows)
    keys = ("project", "day", "downloads", "of_rows")
    return "".join(json.dumps(dict(zip(keys, (*row, count), strict=True))) + "\n" for row in every).encode()


KERAS = [("keras", "2020-01-01", "7"), ("keras", "2020-01-02", "5")]


def test_pypistats_gives_days_without_mirrors():
    (table, row), *more = rows_of(answer(stats(("2026-09-09", 41)), STATS))
    assert (table, more) == ("package_downloads", [])
    assert [row[key] for key in ("provider", "package", "granularity", "mirrors", "day", "downloads")] == [
        "pypistats", "keras", "day", False, date(2026, 9, 9), 41]  # fmt: skip


def test_the_day_of_the_asking_and_later_ones_are_dropped():
    body = stats(("2026-09-10", 3), ("2026-09-11", 1), ("2026-09-12", 0))
    assert told(body, STATS) == [("keras", date(2026, 9, 10), 3)]


def test_a_package_unknown_to_pypistats_gives_nothing():
    assert told(b"404", STATS, 404) == []


def test_the_name_is_kept_as_the_registry_writes_it():
    body = stats(("2026-09-09", 1), package="tf-nightly")
    assert told(body, {**STATS, "package": "TF_Nightly"})[0][0] == "TF_Nightly"
    assert normal("TF_.Nightly") == "tf-nightly"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (stats(), "no days at all"),
        ({}, "data is not a list"),
        ({"data": [1]}, "data is not a list of objects"),
        (stats(("2026-09-09", 1), category="with_mirrors"), "category 'with_mirrors' instead of without_mirrors"),
        (stats(("2026-09-09", 1), package="torch"), "asked for keras, the answer is about 'torch'"),
        (stats(("2026-09-09", 1), ("2026-09-09", 2)), "2026-09-09 stands there twice"),
        (stats(("2026-09-09", -1)), "downloads -1 is not a count"),
        (stats(("2026-09-09", 1.5)), "downloads 1.5 is not a count"),
        (stats(("2026-09-09", None)), "downloads None is not a count"),
        (stats(("yesterday", 1)), "'yesterday' is not a day"),
        (stats(("2026-02-30", 1)), "'2026-02-30' is not a day"),
        (b"<!DOCTYPE html>", "not JSON"),
        (b'{"data":\xff\xfe[]}', "not JSON"),
        ([], "expected an object"),
    ],
)
def test_what_pypistats_never_says_is_rejected(body, reason):
    with pytest.raises(Rejected) as told_why:
        told(body, STATS)
    assert reason in str(told_why.value)


def test_clickhouse_gives_days_with_mirrors_and_no_row_for_its_sentinel():
    rows = [row for _, row in rows_of(answer(lines(*KERAS), WINDOW))]
    assert [(row["provider"], row["mirrors"], row["day"], row["downloads"]) for row in rows] == [
        ("clickhouse", True, date(2020, 1, 1), 7),
        ("clickhouse", True, date(2020, 1, 2), 5),
    ]


def test_integers_as_numbers_are_read_like_texts():
    body = lines(*KERAS).replace(b'"7"', b"7").replace(b'"3"', b"3")
    assert told(body, WINDOW) == told(lines(*KERAS), WINDOW)


def test_a_year_without_any_download_gives_nothing():
    assert told(lines(), WINDOW) == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (lines(*KERAS)[:-20], "not JSON to its end"),
        (lines(*KERAS) + b"Code: 241. DB::Exception: Memory limit exceeded\n", "not JSON to its end"),
        (b"", "not JSON"),
        (b"<!DOCTYPE html>\n", "not JSON"),
        (b"[1]\n", "not a list of rows"),
        (lines(*KERAS, of_rows=4), "3 rows came of 4"),
        (b"".join(lines(*KERAS).splitlines(keepends=True)[1:]).replace(b'"3"', b'"2"'), "proves a whole result"),
        (lines(("keras", "2021-01-01", "7")), "'keras' on 2021-01-01 was not asked for"),
        (lines(("torch", "2020-01-01", "7")), "'torch' on 2020-01-01 was not asked for"),
        (lines(KERAS[0], KERAS[0]), "stands there twice"),
        (lines(("keras", "2020-01-01", "-7")), "downloads '-7' is not a count"),
        (lines(("keras", None, "7")), "None is not a day"),
    ],
)
def test_what_clickhouse_may_spoil_is_rejected_whole(body, reason):
    with pytest.raises(Rejected) as told_why:
        told(body, WINDOW)
    assert reason in str(told_why.value)


def test_a_result_as_long_as_the_silent_cut_is_rejected():
    days = [("keras", str(FIRST + timedelta(days=n)), "1") for n in range(999)]
    with pytest.raises(Rejected, match="1000 rows: perhaps cut"):
        told(lines(*days), {**WINDOW, "until": "2023-01-01"})


def test_conda_gives_months_added_up_over_channels():
    (_, row), *more = rows_of(answer({"keras": {"anaconda": 70, "conda-forge": 12}}, CONDA, None))
    assert [row[key] for key in ("provider", "granularity", "mirrors", "day", "downloads")] == [
        "conda", "month", None, date(2019, 3, 1), 82]  # fmt: skip
    assert more == []


def test_a_package_that_conda_does_not_tell_of_has_no_row():
    assert told({}, CONDA, None) == []


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"<!DOCTYPE html>", 200, "not a file of conda's monthly downloads"),
        (b"<Error/>", 403, "status 403"),
        ({"keras": {}}, None, "keras has no channels"),
        ({"keras": {"anaconda": -1}}, None, "keras of anaconda -1 is not a count"),
    ],
)
def test_what_is_no_month_of_conda_is_rejected(body, status, reason):
    with pytest.raises(Rejected) as told_why:
        told(body, CONDA, status)
    assert reason in str(told_why.value)


def test_a_kind_of_another_dlpulse_is_rejected():
    with pytest.raises(Rejected, match="unknown kind 'bigquery'"):
        told({}, {"kind": "bigquery"})


def test_every_provider_has_its_bias_in_words():
    assert sorted(BIASES) == ["clickhouse", "conda", "pypistats"]
    assert "continuous integration" in BIASES["pypistats"]
