"""The article's claims: each verdict follows from the facts, changes with them, and says what is missing."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.conftest import ROOT, environment
from tests.dashboards import sample
from warehouse import claims

TODAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample.write(tmp_path_factory.mktemp("claims") / "dlpulse.duckdb", "full")


@pytest.fixture
def connection(world: Path, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a copy of the world, to be changed."""
    copy = tmp_path / "world.duckdb"
    copy.write_bytes(world.read_bytes())
    with duckdb.connect(str(copy)) as connection:
        connection.execute(
            "delete from fct_stars where estimator = 'observed' and day between '2018-01-01' and '2018-12-01'"
        )
        connection.execute(FACTS)
        yield connection


# The figures of June and July 2018 as published; the rest is made up so that each claim is decided.
FACTS = """
insert into fct_stars (framework_id, repo_id, day, estimator, stars, is_partial, source, known_at, response_id) values
    ('keras', 'keras-team/keras', '2018-06-10', 'observed', 30349, false, 'mbadry1', '2026-11-20', 'c'),
    ('keras', 'keras-team/keras', '2018-07-17', 'observed', 31664, false, 'mbadry1', '2026-11-20', 'c'),
    ('pytorch', 'pytorch/pytorch', '2018-06-10', 'observed', 16267, false, 'mbadry1', '2026-11-20', 'c'),
    ('pytorch', 'pytorch/pytorch', '2018-07-17', 'observed', 17157, false, 'mbadry1', '2026-11-20', 'c');
insert into fct_mentions_monthly values
    ('keras', '2017-03-01', 'full_text', 'ml_papers', null, null, 0.025, 'c'),
    ('keras', '2018-03-01', 'full_text', 'ml_papers', null, null, 0.04, 'c'),
    ('pytorch', '2017-03-01', 'full_text', 'ml_papers', null, null, 0.002, 'c'),
    ('pytorch', '2018-03-01', 'full_text', 'ml_papers', null, null, 0.047, 'c');
insert into fct_mentions
select year || 'p' || n, framework_id, make_date(year, 2, 1), true, false, '1', 'c'
from range(30) as r(n), (values (2017), (2018)) as y(year),
    (values ('keras', 30), ('tensorflow', 20)) as f(framework_id, most)
where n < most;
insert into fct_bench_cited by name
select 'ilkarman' as source, program, device, seconds, 'https://x/' as source_url
from (values ('PyTorch', 'NVIDIA K80', 169), ('TensorFlow', 'NVIDIA K80', 173),
    ('Keras on TensorFlow', 'NVIDIA K80', 241), ('PyTorch', 'NVIDIA P100', 51)) as published(program, device, seconds);
insert into fct_releases values
    ('keras', '0.1.0', '2015-03-28', false, 'c'), ('theano', 'rel-1.0.2', '2018-05-23', false, 'c');
insert into fct_bench_trials by name
select t.* exclude (metric, value, engine, trial_id), m.engine || m.metric as trial_id, m.engine, m.metric, m.value
from (select * from fct_bench_trials where not control limit 1) as t,
    (values
        ('keras-tensorflow', 'code_lines', 4), ('pytorch', 'code_lines', 19),
        ('keras-tensorflow', 'device_calls', 0), ('pytorch', 'device_calls', 4)
    ) as m(engine, metric, value);
"""


def verdicts(connection: duckdb.DuckDBPyConnection, on: date = claims.ARTICLE_DAY) -> dict[str, str]:
    return {row["claim_id"]: row["verdict"] for row in decided(connection, on)}


def decided(connection: duckdb.DuckDBPyConnection, on: date = claims.ARTICLE_DAY) -> list[dict[str, Any]]:
    return list(claims.judged(lambda sql: connection.sql(sql).to_arrow_table().to_pylist(), on))


def add_observed(connection: duckdb.DuckDBPyConnection, repo_id: str, day: str, stars: int) -> None:
    connection.execute(
        "insert into fct_stars (framework_id, repo_id, day, estimator, stars, is_partial, source) "
        "values ('keras', $1, $2, 'observed', $3, false, 'x')",
        [repo_id, day, stars],
    )


def test_every_claim_of_the_article_is_there_with_its_rule_and_what_it_needs() -> None:
    catalogue = claims.load()
    assert [claim.number for claim in catalogue] == list(range(1, 12))
    assert all(claim.holds and claim.needs for claim in catalogue)


def test_dbt_knows_every_table_that_a_claim_reads() -> None:
    read = {
        name for claim in claims.load() for name in re.findall(r"\b(?:from|join) ((?:fct|dim|meta)_\w+)", claim.sql)
    }
    model = (ROOT / "warehouse/dbt/models/marts/fct_claims.py").read_text("utf-8")
    assert read == set(re.findall(r'dbt\.ref\("((?:fct|dim|meta)_\w+)"\)', model))


def test_what_was_published_bears_the_article_out(connection: duckdb.DuckDBPyConnection) -> None:
    found = verdicts(connection)
    assert found["1.keras.observed"] == found["1.pytorch.observed"] == "reproduced"
    assert found["1.keras.retained"] == "contradicted"
    assert [found[f"2.{name}"] for name in ("keras", "pytorch")] == ["reproduced"] * 2
    assert [found[f"3.{name}.full_text"] for name in ("keras", "pytorch")] == ["reproduced"] * 2
    assert found["4.keras"] == found["4.keras.in_2017"] == "reproduced"
    assert [found[f"5.{name}"] for name in ("keras", "pytorch")] == ["reproduced"] * 2
    assert found["6.keras.registry"] == found["6.keras.github"] == "reproduced"
    assert found["6.pytorch.registry"] == "reproduced"
    assert found["6.pytorch_english_edition.registry"] == "contradicted"
    assert [found[f"{number}.{name}"] for number in (7, 8) for name in ("keras", "pytorch")] == ["reproduced"] * 4
    assert found["9.keras.default.stock"] == "reproduced"
    assert [found[f"9.{name}.published.k80"] for name in ("keras", "tensorflow")] == ["reproduced"] * 2
    assert "9.keras.published.p100" not in found
    assert found["10.theano"] == "not_reproducible", "a release a month before may be maintenance"
    assert found["11.pytorch.default"] == found["11.keras-tensorflow.default"] == "reproduced"


def test_the_measured_value_and_its_reason_say_from_what(connection: duckdb.DuckDBPyConnection) -> None:
    rows = {row["claim_id"]: row for row in decided(connection)}
    keras = rows["1.keras.observed"]
    assert keras["measured_value"] == "31,060"
    assert keras["reason"] == "between 30,349 on 2018-06-10 and 31,664 on 2018-07-17"
    assert rows["3.keras.full_text"]["measured_value"] == "4.00 % after 2.50 %"
    assert rows["4.keras"]["measured_value"] == "67 % of 30 papers"
    assert rows["5.keras"]["measured_value"] == "+134 %, place 1 of 8 recorded"
    assert rows["2.keras"]["measured_value"] == "+4.3 % in 37 days"
    assert rows["9.keras.default.stock"]["measured_value"] == "PyTorch 1.21 times as fast (95 % interval 1.17 to 1.25)"
    assert rows["9.keras.default.stock"]["reason"] == "resolved: n = 8, p = 0.0004; on dev-1 on 2026-11-22"
    published = rows["9.keras.published.k80"]
    assert published["measured_value"] == "PyTorch 1.43 times as fast (one run each)"
    assert published["reason"] == "169 s against 241 s, as published: https://x/"
    assert rows["7.pytorch"]["measured_value"] == "19 lines"


def test_a_month_that_was_not_read_is_named_as_what_would_decide(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("delete from fct_mentions_monthly where framework_id = 'keras' and month = '2018-05-01'")
    row = next(row for row in decided(connection) if row["claim_id"] == "3.keras.title_abstract")
    assert (row["verdict"], row["measured_value"]) == ("not_reproducible", None)
    assert row["reason"].startswith("not known: dlpulse collect papers")


def test_no_year_before_keras_was_released_has_a_part(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "insert into fct_mentions_monthly by name select * replace (month - interval 6 years as month) "
        "from fct_mentions_monthly where framework_id = 'keras' and measure = 'title_abstract' and year(month) = 2017"
    )
    years = {claim_id for claim_id in verdicts(connection) if claim_id.startswith("4.keras.in_")}
    assert years and min(years) >= "4.keras.in_2015"


def test_each_poll_has_its_part_and_the_newest_is_not_told_twice(connection: duckdb.DuckDBPyConnection) -> None:
    then, now = (
        {row["claim_id"]: row for row in decided(connection, on) if row["claim_id"].startswith("5.")}
        for on in (claims.ARTICLE_DAY, TODAY)
    )
    assert set(then) == {"5.keras", "5.pytorch"}
    assert set(now) == {f"5.{name}{poll}" for name in ("keras", "pytorch") for poll in ("", ".in_2018", ".in_2019")}
    assert now["5.keras.in_2018"]["measured_value"] == then["5.keras"]["measured_value"]
    assert now["5.keras"]["verdict"] == "not_reproducible"
    # 2019 published votes alone: 436 after 456, 185 after 132.
    assert now["5.keras.in_2019"]["measured_value"].startswith("-4 %, place ")
    assert now["5.pytorch.in_2019"]["measured_value"] == "+40 %, place 1 of 8 recorded"
    assert now["5.pytorch.in_2019"]["reason"].endswith("by votes, as the number of voters was not published")


@pytest.mark.parametrize(
    ("change", "claim", "before", "after"),
    [
        ("update fct_stars set stars = 20000 where framework_id = 'pytorch' and day = '2018-07-17'",
         "1.pytorch.observed", "reproduced", "contradicted"),
        ("update fct_stars set stars = 30000 where framework_id = 'keras' and day = '2018-07-17'",
         "2.keras", "reproduced", "contradicted"),
        ("update fct_mentions_monthly set share = 0.001 where framework_id = 'pytorch' and month = '2018-03-01'"
         " and measure = 'full_text'", "3.pytorch.full_text", "reproduced", "contradicted"),
        ("update fct_mentions_monthly set papers = 0 where framework_id = 'keras' and month >= '2017-07-01'"
         " and measure = 'title_abstract'", "3.keras.title_abstract", "reproduced", "contradicted"),
        ("delete from fct_mentions where framework_id = 'tensorflow' and arxiv_id in ('2018p0', '2018p1', '2018p2',"
         " '2018p3', '2018p4')", "4.keras", "reproduced", "not_reproducible"),
        ("delete from fct_mentions_monthly where framework_id = 'keras' and month = '2018-01-01'",
         "4.keras", "reproduced", "not_reproducible"),
        ("update fct_survey_shares set share = 0.02 where year = 2018 and framework_id = 'keras'",
         "5.keras", "reproduced", "contradicted"),
        ("update fct_releases set released_on = '2014-12-31' where framework_id = 'keras'",
         "6.keras.github", "reproduced", "contradicted"),
        ("update fct_releases set released_on = '2016-12-31' where framework_id = 'keras'",
         "6.keras.github", "reproduced", "not_reproducible"),
        ("update fct_bench_trials set value = 0 where metric = 'device_calls'",
         "8.pytorch", "reproduced", "contradicted"),
        ("insert into fct_repo_days values ('Theano/Theano', '2018-01-01', true, null)",
         "10.theano", "not_reproducible", "reproduced"),
        (
            "delete from fct_mentions_monthly; "
            "insert into fct_stars (framework_id, repo_id, day, estimator, stars, source) "
            "values ('caffe', 'BVLC/caffe', '2018-06-10', 'observed', 15000, 'x')",
            "10.caffe", "contradicted", "reproduced",
        ),
        ("update fct_bench_ratios set engine_a = 'tensorflow', track = 'matched', ratio = 1, low = 0.95, high = 1.05",
         "9.tensorflow.matched.stock", "not_reproducible", "reproduced"),
        ("update fct_bench_ratios set engine_a = 'tensorflow', track = 'matched', ratio = 1.25, low = 1.2, high = 1.3",
         "9.tensorflow.matched.stock", "not_reproducible", "contradicted"),
        ("update fct_bench_ratios set engine_a = 'tensorflow', track = 'matched', ratio = 1, low = 0.5, high = 2,"
         " resolved = false", "9.tensorflow.matched.stock", "not_reproducible", "not_reproducible"),
        ("update fct_bench_ratios set rankable = false", "9.keras.default.stock", "reproduced", "not_reproducible"),
        ("update fct_survey_shares set share = share / 2 where framework_id = 'pytorch' and year = 2018",
         "5.pytorch", "reproduced", "contradicted"),
        ("update dim_frameworks set first_released_on = '2016-10-05' where framework_id = 'pytorch'",
         "6.pytorch_english_edition.registry", "contradicted", "reproduced"),
        ("update fct_bench_trials set value = 40 where metric = 'code_lines' and engine = 'pytorch'",
         "7.pytorch", "reproduced", "contradicted"),
        ("update fct_bench_trials set value = 1 where metric = 'device_calls' and engine = 'keras-tensorflow'",
         "8.keras", "reproduced", "contradicted"),
        ("update fct_bench_ratios set ratio = 1 / ratio, low = 1 / high, high = 1 / low where phase = 'training'",
         "9.keras.default.stock", "reproduced", "contradicted"),
        ("update fct_bench_ratios set resolved = false", "9.keras.default.stock", "reproduced", "not_reproducible"),
        ("update fct_releases set released_on = '2016-03-01' where framework_id = 'theano'",
         "10.theano", "not_reproducible", "reproduced"),
        ("update fct_mentions_monthly set papers = 0 where framework_id = 'caffe' and base = 'ml_papers'",
         "10.caffe", "contradicted", "reproduced"),
        ("insert into fct_repo_days by name select 'Theano/Theano' as repo_id, '2018-06-01'::date as day, false as"
         " archived, '2017-01-01'::timestamp as pushed_at", "10.theano", "not_reproducible", "reproduced"),
        ("update fct_bench_cited set seconds = 150 where program = 'Keras on TensorFlow'",
         "9.keras.published.k80", "reproduced", "contradicted"),
        ("update fct_bench_cited set seconds = 250 where program = 'PyTorch'",
         "9.tensorflow.published.k80", "reproduced", "contradicted"),
        ("update meta_parity set proved = false where engine = 'pytorch'",
         "11.pytorch.default", "reproduced", "contradicted"),
    ],
)  # fmt: skip
def test_other_facts_give_another_verdict(
    change: str, claim: str, before: str, after: str, connection: duckdb.DuckDBPyConnection
) -> None:
    assert verdicts(connection)[claim] == before
    connection.execute(change)
    assert verdicts(connection)[claim] == after


def test_what_the_tables_do_not_tell_names_the_collection_that_would(connection: duckdb.DuckDBPyConnection) -> None:
    for table in ("fct_stars", "fct_mentions", "fct_mentions_monthly", "fct_survey_shares", "fct_releases",
                  "fct_bench_trials", "fct_bench_ratios", "fct_bench_cited", "meta_parity"):  # fmt: skip
        connection.execute(f"delete from {table}")
    rows = decided(connection)
    assert {row["verdict"] for row in rows if ".registry" not in row["claim_id"]} == {"not_reproducible"}
    missing = {row["claim_id"].split(".")[0]: row["reason"] for row in rows if row["verdict"] == "not_reproducible"}
    assert set(missing) == {str(number) for number in range(1, 12)}
    assert all("dlpulse collect" in reason or "dlpulse bench run" in reason for number, reason in missing.items()
               if number not in ("3", "5"))  # fmt: skip
    assert all(row["measured_value"] is None for row in rows if row["verdict"] == "not_reproducible")


def test_retained_and_observed_stars_are_never_taken_for_each_other(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("delete from fct_stars where estimator = 'retained'")
    found = verdicts(connection)
    assert (found["1.keras.observed"], found["1.keras.retained"]) == ("reproduced", "not_reproducible")


@pytest.mark.parametrize(
    ("newer", "verdict"), [(8, "reproduced"), (9, "not_reproducible"), (10, "contradicted"), (None, "not_reproducible")]
)
def test_a_framework_fades_when_fewer_papers_name_it_than_in_the_year_before(
    newer: int | None, verdict: str, connection: duckdb.DuckDBPyConnection
) -> None:
    connection.execute(
        "update fct_mentions_monthly set papers = if(month < '2017-07-01', 9, $1) "
        "where framework_id = 'caffe' and base = 'ml_papers'",
        [newer],
    )
    assert verdicts(connection)["10.caffe.over_time"] == verdict


def test_a_second_smaller_repository_speaks_for_nobody(connection: duckdb.DuckDBPyConnection) -> None:
    before = verdicts(connection)
    add_observed(connection, "keras-team/keras-cv", "2018-06-30", 900)
    assert verdicts(connection) == before


def test_several_labels_of_one_framework_are_one_part(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("update fct_survey_shares set framework_id = 'pytorch' where framework_id = 'torch7'")
    assert verdicts(connection)["5.pytorch"] == "reproduced"


def test_an_old_count_that_is_lower_does_not_tell(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("delete from fct_stars where framework_id = 'keras' and estimator = 'observed'")
    add_observed(connection, "keras-team/keras", "2018-03-01", 25000)
    row = next(row for row in decided(connection) if row["claim_id"] == "1.keras.observed")
    assert (row["measured_value"], row["verdict"]) == ("25,000", "not_reproducible")
    assert row["reason"] == "counted on 2018-03-01, too long before to tell"


def test_a_registry_without_the_article_s_frameworks_decides_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    for table in ("dim_frameworks", "fct_stars", "fct_mentions", "fct_mentions_monthly", "fct_releases",
                  "fct_bench_trials", "fct_bench_ratios"):  # fmt: skip
        names = "framework_id" if table != "fct_bench_ratios" else "engine_a"
        connection.execute(f"update {table} set {names} = 'own-' || {names}")
    connection.execute("update fct_survey_shares set framework_id = null")
    connection.execute("delete from meta_parity")
    for day in (claims.ARTICLE_DAY, TODAY):
        # The trainers' lines and calls are counted by engine, whoever names the framework.
        # So they are by the program that published times name.
        rest = {
            row["verdict"]
            for row in decided(connection, day)
            if row["claim_id"][:2] not in ("7.", "8.") and ".published." not in row["claim_id"]
        }
        assert rest == {"not_reproducible"}


def asked(home: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dlpulse", "claims", *options]
    variables = {**environment(home), "COLUMNS": "80"}
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)


def test_the_command_tells_each_claim_with_its_rule_and_what_was_stated(world: Path) -> None:
    done = asked(world.parent)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1. Keras has more than 31,000 stars on GitHub, PyTorch nearly 17,000." in done.stdout
    assert "keras.observed (says: more than 31,000): 31,278" in done.stdout
    assert "Holds: More than 31,000; 17,000 or up to 5 % less." in done.stdout
    assert "For 2018-06-30, parts: " in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_the_command_decides_for_another_day_and_gives_the_sql(world: Path) -> None:
    today, then = (asked(world.parent, "--on", on, "--format", "json") for on in ("today", "2020-12-31"))
    assert {row["valid_on"] for row in json.loads(today.stdout)} == {"2026-11-22"}
    rows = json.loads(then.stdout)
    assert {row["valid_on"] for row in rows} == {"2020-12-31"}
    assert all("date '2020-12-31'" in row["evidence_sql"] or "plays no part" in row["evidence_sql"] for row in rows)


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--on", "yesterday"), 2, "--on yesterday: expected a day such as 2018-06-30, or today"),
        (("--on", "2018-13-01"), 2, "--on 2018-13-01: expected a day such as 2018-06-30, or today"),
    ],
)
def test_a_wrong_day_is_one_line(options: tuple[str, ...], code: int, said: str, world: Path) -> None:
    done = asked(world.parent, *options)
    assert done.returncode == code and said in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_database_of_before_says_what_makes_it_anew(world: Path, tmp_path: Path) -> None:
    copy = tmp_path / "dlpulse.duckdb"
    copy.write_bytes(world.read_bytes())
    with duckdb.connect(str(copy)) as connection:
        connection.execute("drop table fct_bench_ratios")
    done = asked(tmp_path)
    assert done.returncode == 1 and "`dlpulse build` makes it anew" in done.stderr and "Traceback" not in done.stderr
