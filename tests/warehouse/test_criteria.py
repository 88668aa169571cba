"""The article's criteria: evidence of the tables; what is unknown stays unknown; only the reader's weights order."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT, environment
from tests.dashboards import sample
from warehouse import criteria

FACTS = """
insert into fct_bench_trials by name
select t.* exclude (metric, value, engine, framework_id, trial_id), m.engine as trial_id, m.engine, m.framework_id,
    'code_lines' as metric, m.value
from (select * from fct_bench_trials where not control limit 1) as t,
    (values ('keras-tensorflow', 'keras', 4), ('pytorch', 'pytorch', 20)) as m(engine, framework_id, value);
insert into fct_implementations_monthly
select framework_id, month::date, 1, share, 'r'
from range(timestamp '2024-01-01', timestamp '2025-07-01', interval 1 month) as m(month),
    (values ('keras', 0.1), ('pytorch', 0.6)) as f(framework_id, share);
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    database = sample.write(tmp_path_factory.mktemp("criteria") / "dlpulse.duckdb", "full")
    with duckdb.connect(str(database)) as connection:
        connection.execute(FACTS)
    return database


@pytest.fixture
def connection(world: Path, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a copy of the world, to be changed."""
    copy = tmp_path / "world.duckdb"
    copy.write_bytes(world.read_bytes())
    with duckdb.connect(str(copy)) as connection:
        yield connection


def evidence(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    return list(connection.sql(criteria.EVIDENCE).to_arrow_table().to_pylist())


def best(connection: duckdb.DuckDBPyConnection, criterion: str) -> dict[str, float]:
    rows = evidence(connection)
    return {row["framework_id"]: row["of_best"] for row in rows if row["criterion"] == criterion and row["value"]}


def test_each_framework_has_a_row_for_each_criterion_and_what_is_unknown_is_null(connection) -> None:
    rows = evidence(connection)
    assert tuple(rows[0]) == criteria.COLUMNS
    assert len(rows) == len(criteria.ASKS) * len(sample.FRAMEWORKS)
    assert list(dict.fromkeys(row["criterion"] for row in rows)) == list(criteria.ASKS)
    unknown = [row for row in rows if row["value"] is None]
    assert unknown and all(row["of_best"] is None and row["as_of"] is None for row in unknown)
    assert {row["criterion"] for row in rows if row["framework_id"] == "keras" and row["value"] is not None} >= {
        "conciseness", "flexibility", "popularity", "momentum", "speed"
    }  # fmt: skip


def test_less_code_is_better_and_more_of_all_else(connection) -> None:
    assert best(connection, "conciseness") == {"keras": 1.0, "pytorch": 0.2}
    assert best(connection, "flexibility") == {"keras": pytest.approx(1 / 6), "pytorch": 1.0}
    assert best(connection, "speed") == {"keras": pytest.approx(1679.5 / 2032.5), "pytorch": 1.0}


def test_a_figure_half_a_year_older_is_left_out(connection) -> None:
    stars = "(framework_id, measure) = ('keras', 'stars_observed')"
    days = f"update rpt_framework_figures set as_of = as_of - {{}} where {stars}"
    connection.execute(days.format(182))
    assert "keras" in best(connection, "popularity")
    connection.execute(days.format(1))
    assert "keras" not in best(connection, "popularity")


def test_stars_lost_are_worth_nothing_and_never_less(connection) -> None:
    lost = "update rpt_framework_figures set value = -5 where measure = 'stars_gained_12m'"
    connection.execute(f"{lost} and framework_id = 'keras'")
    assert best(connection, "momentum")["keras"] == 0
    connection.execute(lost)
    assert set(best(connection, "momentum").values()) == {None}


def rows_of(**shares: list[float | None]) -> list[dict[str, Any]]:
    return [
        {"framework_id": name, "name": name.title(), "criterion": criterion, "of_best": share}
        for criterion, own in shares.items()
        for name, share in zip("abc", own, strict=True)
    ]


def test_weights_order_and_an_unknown_is_neither_zero_nor_the_mean() -> None:
    rows = rows_of(speed=[1.0, 0.5, None], popularity=[0.1, 1.0, 1.0])
    found = criteria.weigh(rows, {"speed": 3, "popularity": 1})
    assert [(one.name, one.score, list(one.missing)) for one in found] == [
        ("A", pytest.approx(0.775), []), ("B", pytest.approx(0.625), []), ("C", None, ["speed"])
    ]  # fmt: skip
    assert dict(found[0].parts) == {"speed": pytest.approx(0.75), "popularity": pytest.approx(0.025)}
    assert [one.name for one in criteria.weigh(rows, {"popularity": 2, "speed": 0})] == ["B", "C", "A"]
    with pytest.raises(ValueError, match="nothing weighs"):
        criteria.weigh(rows, {"speed": 0})


@given(
    st.lists(st.none() | st.floats(0, 1), min_size=3, max_size=3),
    st.lists(st.none() | st.floats(0, 1), min_size=3, max_size=3),
    st.floats(0.01, 1e6),
    st.floats(0, 1e6),
)
def test_a_score_lies_between_0_and_1_and_does_not_depend_on_the_weights_unit(
    speed: list[float | None], popularity: list[float | None], one: float, other: float
) -> None:
    rows = rows_of(speed=speed, popularity=popularity)
    found = criteria.weigh(rows, {"speed": one, "popularity": other})
    again = {one.name: one.score for one in criteria.weigh(rows, {"speed": 7 * one, "popularity": 7 * other})}
    for each in found:
        assert (each.score is None) == bool(each.missing)
        assert each.score is None or (-1e-9 <= each.score <= 1 + 1e-9 and each.score == pytest.approx(again[each.name]))


def asked(home: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dlpulse", "criteria", *options]
    variables = {**environment(home), "COLUMNS": "80"}
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)


def test_the_command_goes_by_name_until_it_is_told_weights(world: Path) -> None:
    plain, weighed = asked(world.parent), asked(world.parent, "--weight", "speed=3", "--weight", "conciseness=1")
    assert (plain.returncode, plain.stderr) == (weighed.returncode, weighed.stderr) == (0, "")
    lines = plain.stdout.splitlines()
    names = [line.split("  ")[0] for line in lines if "  " in line and line[0] != " "]
    assert names == sorted(names, key=str.lower) and "yours" not in plain.stdout
    assert max(map(len, lines)) <= 80
    first, second = (line for line in weighed.stdout.splitlines() if line.endswith(("0.80", "0.87")))
    assert first.startswith("Keras") and second.startswith("PyTorch")
    assert "– under yours: something that weighs is not known." in weighed.stdout.replace("\n", " ")


def test_the_command_gives_each_figure_with_its_day_and_circumstances(world: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(asked(world.parent, "--format", "csv").stdout)))
    keras = next(row for row in rows if (row["criterion"], row["framework_id"]) == ("conciseness", "keras"))
    assert (keras["value"], keras["of_best"], keras["as_of"]) == ("4.0", "1.0", "2026-11-22")
    assert keras["circumstances"] == "the default track's trainer of keras-tensorflow"


@pytest.mark.parametrize(
    ("weight", "said"),
    [
        ("sped=1", "--weight sped=1: unknown criterion 'sped'; did you mean speed?"),
        ("speed", "--weight speed: expected a number from 0 on, as in speed=2"),
        ("speed=-1", "--weight speed=-1: expected a number from 0 on, as in speed=2"),
        ("speed=nan", "--weight speed=nan: expected a number from 0 on, as in speed=2"),
        ("speed=0", "--weight: expected one criterion at least to weigh more than 0"),
    ],
)
def test_a_wrong_weight_is_one_line(weight: str, said: str, world: Path) -> None:
    done = asked(world.parent, "--weight", weight)
    assert (done.returncode, done.stderr) == (2, f"dlpulse: {said}\n")


def test_without_a_database_it_says_what_makes_one(tmp_path: Path) -> None:
    done = asked(tmp_path)
    assert done.returncode == 1 and "`dlpulse build` makes it" in done.stderr
