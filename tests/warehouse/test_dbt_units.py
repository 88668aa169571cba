"""The models' unit tests (`unit_tests:` in _unit_tests.yml beside the models), run by dbt as one job in a new home."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse import inputs, parsed, registry
from warehouse.build import PROJECT
from warehouse.raw import Archive
from warehouse.settings import Settings

TESTS = sorted(
    name
    for file in PROJECT.glob("models/**/_unit_tests.yml")
    for name in re.findall(r"^  - name: (\w+)$", file.read_text("utf-8"), flags=re.MULTILINE)
)
RULES = "rules.sql"
# Models that choose columns or put what others made under one another, and those in Python (test_summaries.py,
# test_claims.py).
WITHOUT_LOGIC = {
    "dim_frameworks", "dim_registry_names", "dim_sources", "fct_bench_epochs", "fct_bench_learning",
    "fct_bench_trials", "fct_claims", "fct_mentions", "fct_papers", "hist_star_counts", "hist_star_days",
    "hist_star_events", "int_bench_controls", "int_bench_learning", "int_bench_ratios", "int_bench_spread",
    "int_paper_history", "int_star_day_readings", "meta_parity",
}  # fmt: skip


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the models of an empty home, run the unit tests of all of them, and return the folder of dbt's results."""
    home = tmp_path_factory.mktemp("units")
    settings = Settings(home=home, raw=home / "raw")
    inputs.write(registry.load(settings), home / "build" / "inputs")
    (home / "build" / "new").mkdir()
    variables = {
        **os.environ,
        "DLPULSE_PARSED": str(parsed.refresh(Archive(settings.raw), home, lambda *_: None).folder.relative_to(home)),
        "DO_NOT_TRACK": "1",
        "PYTHONWARNINGS": "ignore",
    }
    command = [str(Path(sys.executable).with_name("dbt")), "--no-version-check", "--log-level", "error"]
    folders = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    folders += ["--target-path", str(home / "target"), "--log-path", str(home / "logs")]
    # The models first: dbt reads from their tables which columns an invented row leaves out.
    for job in (["run"], ["test", "--select", "test_type:unit"]):
        ran = subprocess.run(
            [*command, *job, *folders], env=variables, cwd=home, capture_output=True, text=True, check=False
        )
        if job == ["run"]:
            assert ran.returncode == 0, ran.stdout
            (rules,) = (home / "target" / "compiled").rglob("dlpulse-on-run-end-0.sql")
            shutil.copy(rules, home / RULES)
    return home / "target"


@pytest.fixture(scope="module")
def results(target: Path) -> dict[str, dict[str, Any]]:
    """What dbt says of each unit test, by name."""
    told = json.loads((target / "run_results.json").read_text("utf-8"))["results"]
    return {result["unique_id"].split(".")[-1]: result for result in told}


@pytest.mark.parametrize("name", TESTS)
def test_model(results: dict[str, dict[str, Any]], name: str) -> None:
    assert results[name]["status"] == "pass", results[name]["message"]


def test_every_model_with_logic_has_a_unit_test(target: Path) -> None:
    manifest = json.loads((target / "manifest.json").read_text("utf-8"))
    tested = {test["model"] for test in manifest["unit_tests"].values()}
    models = {
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and not node["name"].startswith("stg_")
    }
    assert models - tested == WITHOUT_LOGIC


def test_each_rule_of_a_table_is_broken_by_a_row_that_breaks_it(target: Path, tmp_path: Path) -> None:
    nodes = json.loads((target / "manifest.json").read_text("utf-8"))["nodes"]
    tests = [node for node in nodes.values() if node["resource_type"] == "test"]
    rules = [node for node in tests if node.get("test_metadata")]
    checking = (target.parent / RULES).read_text("utf-8")
    assert set(re.findall(r"select '(\w+)', count", checking)) == {node["name"] for node in tests}
    file = shutil.copy(target.parent / "build" / "new" / "dlpulse.duckdb", tmp_path)
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"set file_search_path = '{target.parent}'")
        assert connection.execute("from intermediate.broken_rules").fetchall() == []
        connection.execute("drop table intermediate.broken_rules")
        for rule in rules:
            table, about = nodes[rule["attached_node"]]["relation_name"], rule["test_metadata"]["kwargs"]
            columns = about.get("columns") or [about["column_name"]]
            value = {"never_null": "null", "finite": "'inf'", "unique_key": "null", "unique": "'twice'"}.get(
                rule["test_metadata"]["name"], "'nobody'"
            )
            for column in columns if value == "'inf'" else columns[:1]:
                connection.execute(f"insert into {table} ({column}) values ({value}), ({value})")
        connection.execute("insert into fct_stars (stars) values (-1)")  # a rule in a file of its own
        connection.execute(checking)
        broken = connection.execute("select rule from intermediate.broken_rules").fetchall()
    assert {"stars_are_never_negative", *(rule["name"] for rule in rules)} <= {name for (name,) in broken}
    assert len(rules) > 100
