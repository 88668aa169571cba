"""`dlpulse run` as a process: from an empty home to trends beside benchmarks, online, offline, and twice."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from collectors.sources import SOURCES
from tests.conftest import environment
from tests.world.server import World
from warehouse.parse.stars import pacific_date

NOW = datetime(2026, 9, 11, 15, 30)
TOOLOG = """
[[framework]]
id = "toolog"
name = "toolog"
colour = "#112233"
first_released_on = 2026-08-30
status = "active"
repositories = [{ name = "zaghaghi/toolog" }]
"""


def run(home: Path, now: datetime = NOW, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dlpulse", "run", "--no-serve"],
        env=environment(home, DLPULSE_NOW=now.isoformat(), **variables),
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


def ask(home: Path, sql: str) -> list[dict[str, Any]]:
    """Ask the published file; days and instants are told as texts."""
    with duckdb.connect(str(home / "dlpulse.duckdb"), read_only=True) as connection:
        answer = connection.execute(sql)
        names = [column[0] for column in answer.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
    return list(json.loads(json.dumps(rows, default=str)))


MARTS = """
select table_name as name
from duckdb_tables()
where not starts_with(table_name, 'meta_') and table_name <> 'fct_coverage'
order by 1
"""


def contents(home: Path) -> dict[str, list[dict[str, Any]]]:
    """Every row of every mart but coverage and meta_*, which grow with each run."""
    names = [row["name"] for row in ask(home, MARTS)]
    return {name: ask(home, f"select * from {name} order by all") for name in names}


@pytest.fixture(scope="module")
def world(shared_data: Path) -> Iterator[World]:
    with World(shared_data, NOW) as served:
        yield served


@pytest.fixture(scope="module")
def online(world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A home after one run against the world, with the recorded repository as a framework of the user's own."""
    home = tmp_path_factory.mktemp("online") / "home"
    home.mkdir()
    (home / "frameworks.toml").write_text(TOOLOG)
    result = run(
        home, DLPULSE_GITHUB_API=world.github_api, DLPULSE_ARXIV_API=world.arxiv_api, GITHUB_TOKEN="world-token"
    )
    assert result.returncode == 0, result.stderr
    return home, result


pytestmark = pytest.mark.engines


def test_the_stars_of_the_recorded_repository_add_up_to_its_count(online: tuple[Path, Any]) -> None:
    rows = ask(
        online[0],
        "select day, stars, stars_added, is_partial from fct_stars "
        "where repo_id = 'zaghaghi/toolog' and estimator = 'retained' order by day",
    )
    assert rows[-1]["stars"] == 5 == sum(row["stars_added"] for row in rows)
    assert [row["stars_added"] for row in rows[-6:]] == [3, 1, 0, 0, 1, 0]
    assert rows[0]["day"] == "2026-08-31", "the repository was made on this Monday of the first recorded week"
    assert (rows[-1]["day"], rows[-1]["is_partial"]) == (str(pacific_date(NOW)), True)


def test_every_repositorys_stars_equal_the_worlds(online: tuple[Path, Any], world: World) -> None:
    rows = ask(
        online[0],
        "select full_name, max_by(stars, day) as stars, max(day) as last_day, "
        "count(*) = max(day) - min(day) + 1 as whole "
        "from fct_stars join dim_repos using (repo_id) where estimator = 'retained' group by all",
    )
    assert {row["full_name"]: row["stars"] for row in rows} == world.truth()["stars"]
    assert all(row["whole"] for row in rows)
    assert {row["last_day"] for row in rows} == {str(pacific_date(NOW))}


ML_CATEGORIES = {"cs.LG", "cs.CV", "cs.CL", "cs.AI", "cs.NE", "stat.ML"}
PHRASES = re.compile(
    r"(?<!\w)(keras|pytorch|tensorflow|jax|paddlepaddle|mxnet|caffe|cntk|cognitive toolkit|theano"
    r"|torch7?|chainer)(?!\w)",
    re.IGNORECASE,
)


def test_the_papers_found_equal_the_feeds(online: tuple[Path, Any], world: World) -> None:
    expected = sorted(
        paper.arxiv_id
        for paper in world.arxiv.papers
        if ML_CATEGORIES & set(paper.categories) and (PHRASES.search(paper.title) or PHRASES.search(paper.abstract))
    )
    found = [row["arxiv_id"] for row in ask(online[0], "select arxiv_id from fct_papers order by arxiv_id")]
    assert len(expected) > 100
    assert found == expected


def test_a_month_counts_the_papers_that_name_the_framework(online: tuple[Path, Any], world: World) -> None:
    rows = ask(
        online[0],
        "select papers, denominator from fct_mentions_monthly "
        "where framework_id = 'tensorflow' and month = '2017-12-01' and base = 'any_framework'",
    )
    december = [paper for paper in world.arxiv.papers if f"{paper.submitted_on:%Y-%m}" == "2017-12"]
    december = [paper for paper in december if ML_CATEGORIES & set(paper.categories)]
    named = [paper for paper in december if re.search(r"\btensorflow\b", f"{paper.title} {paper.abstract}", re.I)]
    assert [row["papers"] for row in rows] == [len(named)]
    assert len(named) <= rows[0]["denominator"] <= len(december)


def test_survey_shares_are_votes_over_voters_and_2019_has_none(online: tuple[Path, Any]) -> None:
    rows = ask(
        online[0], "select year, label, respondents, base, share from fct_survey_shares where survey = 'kdnuggets'"
    )
    assert {(row["year"], row["base"]) for row in rows} == {(2017, 2881), (2018, 2052), (2019, None)}
    for row in rows:
        assert row["share"] == (row["respondents"] / row["base"] if row["base"] else None)
    keras = next(row for row in rows if row["year"] == 2018 and row["label"] == "Keras")
    assert round(keras["share"], 3) == 0.222


def test_both_engines_have_results_with_parity_proved(online: tuple[Path, Any]) -> None:
    rows = ask(
        online[0],
        "select engine, phase, n, median, parity_proved from fct_bench_results "
        "where metric = 'images_per_s' and phase in ('training', 'inference')",
    )
    assert {(row["engine"], row["phase"]) for row in rows} == {
        (engine, phase) for engine in ("keras-tensorflow", "pytorch") for phase in ("training", "inference")
    }
    # Three launches each, or, where the machine is too busy for three in the time of --quick, fewer, and that is told.
    launches = {row["n"] for row in rows}
    assert launches <= {1, 2, 3}
    assert launches == {3} or "launches only: this machine is slow or busy now" in online[1].stderr
    assert all(row["parity_proved"] and row["median"] > 100 for row in rows)


def test_every_fact_leads_to_a_raw_answer_with_the_recorded_sha256(online: tuple[Path, Any]) -> None:
    home = online[0]
    facts = [
        row["table_name"]
        for row in ask(
            home,
            "select table_name from duckdb_columns() "
            "where column_name = 'response_id' and table_name <> 'meta_responses'",
        )
    ]
    assert {
        "fct_stars",
        "fct_repo_days",
        "fct_papers",
        "fct_mentions_monthly",
        "fct_survey_shares",
        "fct_bench_trials",
    } <= set(facts)
    union = " union ".join(f"select response_id from {table}" for table in facts)
    origins = ask(home, f"select response_id, body_sha256 from ({union}) left join meta_responses using (response_id)")
    assert len(origins) > 250
    bodies = {**raw_bodies(home), **cited_lines()}
    for origin in origins:
        assert hashlib.sha256(bodies[origin["response_id"]]).hexdigest() == origin["body_sha256"]


def raw_bodies(home: Path) -> dict[str, bytes]:
    """Bodies straight out of the Parquet parts, without dlpulse's own reader."""
    import pyarrow.parquet as pq

    tables = [
        pq.read_table(part, columns=["response_id", "body"], partitioning=None) for part in home.glob("raw/*/*.parquet")
    ]
    return {row["response_id"]: row["body"] for table in tables for row in table.to_pylist()}


def cited_lines() -> dict[str, bytes]:
    folder = Path(__file__).parent.parent / "warehouse" / "facts"
    lines = [line.encode() for file in folder.glob("*.csv") for line in file.read_text().splitlines()[1:]]
    return {f"cited:{hashlib.sha256(line).hexdigest()}": line for line in lines}


def test_the_answer_is_printed_with_one_row_per_framework(online: tuple[Path, Any], world: World) -> None:
    answer = online[1].stdout
    for name in ("Keras", "PyTorch", "TensorFlow", "CNTK", "Theano", "MXNet", "Caffe", "Torch (Lua)", "Chainer", "JAX"):
        assert name in answer
    assert f"{world.truth()['stars']['keras-team/keras']:,}" in answer
    assert "2026-09-11" in answer
    assert "training, stock: keras-tensorflow" in answer


def test_the_token_is_written_nowhere(online: tuple[Path, Any]) -> None:
    home, result = online
    assert "world-token" not in result.stdout + result.stderr
    assert not [path for path in home.rglob("*") if path.is_file() and b"world-token" in path.read_bytes()]
    assert not [row for row in raw_bodies(home).values() if b"world-token" in row]


def test_twice_in_a_row_leaves_identical_marts(online: tuple[Path, Any], world: World) -> None:
    home = online[0]
    sources = {"DLPULSE_GITHUB_API": world.github_api, "DLPULSE_ARXIV_API": world.arxiv_api}
    later = environment(home, DLPULSE_NOW=(NOW + timedelta(hours=1)).isoformat(), **sources)
    collect = [sys.executable, "-m", "dlpulse", "collect", "papers"]
    for _ in range(12):  # totals come newest first, at most 24 a run; once all are there, nothing is left to change
        if "totals" not in subprocess.run(collect, env=later, capture_output=True, text=True, check=True).stderr:
            break
    subprocess.run([sys.executable, "-m", "dlpulse", "build"], env=later, capture_output=True, check=True)
    before = contents(home)
    again = run(home, NOW + timedelta(hours=2), GITHUB_TOKEN="world-token", **sources)
    assert again.returncode == 0, again.stderr
    after = contents(home)
    assert before.keys() == after.keys()
    for table, rows in before.items():
        assert after[table] == rows, table


def test_without_network_everything_that_can_be_done_is_done(online: tuple[Path, Any], tmp_path: Path) -> None:
    home = tmp_path / "home"
    # The device has been measured: two minutes of benchmark, which asks nobody, are spared.
    shutil.copytree(online[0] / "raw" / "source=bench", home / "raw" / "source=bench")
    result = run(home)
    assert result.returncode == 0, result.stderr
    named = [line for line in result.stderr.splitlines() if "127.0.0.1:9" in line]
    assert len(named) == len(set(named)) == 10, "each unreachable host of a source is named once"
    assert {line.partition(":")[0] for line in named} == set(SOURCES)
    assert "30,349" not in result.stdout and "64,244" in result.stdout, "the newest cited count is shown"
    engines = {row["engine"] for row in ask(home, "select distinct engine from fct_bench_results where parity_proved")}
    assert engines == {"keras-tensorflow", "pytorch"}
    assert ask(home, "select count(*) as n from fct_stars where estimator <> 'observed'") == [{"n": 0}]
    counted = ask(home, "select stars from fct_stars where framework_id = 'keras' and day = '2018-07-17'")
    assert counted == [{"stars": 31664}]
    newest = ask(home, "select max(day) as day from fct_stars")[0]["day"]
    assert date.fromisoformat(newest) < NOW.date() + timedelta(1)


def test_a_stop_while_collecting_ends_the_run_and_keeps_what_came(world: World, tmp_path: Path) -> None:
    home = tmp_path / "home"
    sources = {"DLPULSE_GITHUB_API": world.github_api, "DLPULSE_ARXIV_API": world.arxiv_api}
    world.fault("slow", "/github/repos/.*/stargazers", seconds=0.3, count=1000)
    process = subprocess.Popen(
        [sys.executable, "-m", "dlpulse", "run", "--no-serve"],
        env=environment(home, DLPULSE_NOW=NOW.isoformat(), GITHUB_TOKEN="world-token", **sources),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    # A busy machine takes a minute for the first build alone, which comes before any question.
    deadline = time.monotonic() + 300
    # The first part is the note that the run began; the second is an answer.
    while len(list(home.glob("raw/source=stars/*.parquet"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.terminate()
    output, errors = process.communicate(timeout=60)
    world.faults.clear()
    assert process.returncode == 130, errors
    assert errors.endswith("dlpulse: stopped; what was done before is kept\n")
    assert "Traceback" not in errors and output == ""
    assert not list(home.glob("raw/source=bench/*"))
    assert [body for body in raw_bodies(home).values() if b"stargazers_count" in body]


LONG_QUERY = """
import duckdb, dlpulse, signal

signal.signal(signal.SIGINT, signal.default_int_handler)  # children of a background shell ignore it

@dlpulse.app.command()
def ask() -> None:
    print("asking", flush=True)
    # One thread: DuckDB ends only when the tasks of its other threads do.
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("select count(*) from range(1_000_000_000_000) t(i) where i % 7 = 1").fetchall()

dlpulse.main()
"""


def test_ctrl_c_inside_of_a_query_of_duckdbs_ends_as_anywhere_else(tmp_path: Path) -> None:
    asking = subprocess.Popen(
        [sys.executable, "-c", LONG_QUERY, "ask"],
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert asking.stdout is not None
        assert asking.stdout.readline() == "asking\n"
        time.sleep(0.5)
        asking.send_signal(signal.SIGINT)
        _, errors = asking.communicate(timeout=60)
    finally:
        asking.kill()
    assert (asking.returncode, errors) == (130, "dlpulse: stopped; what was done before is kept\n")
