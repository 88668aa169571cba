"""The models' own SQL, as dbt compiled it, over parsed rows in memory: a build in a fraction of a second."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from warehouse.parse.tables import Row
from warehouse.parsedbatch import STORED

MACROS = {"stars_as_of": "fct_stars", "mentions_as_of": "fct_mentions", "frameworks_as_of": "rpt_frameworks"}
_PARSED_FILES = re.compile(r"read_parquet\('[^']*/(\w+)/\*\.parquet'\)")


@dataclass(frozen=True)
class Models:
    """SQL of the models on the way to the three marts, in order, and of the macros; `published` stays attached."""

    published: Path
    models: Mapping[str, str] = field(repr=False)
    macros: Mapping[str, str] = field(repr=False)

    def build(self, rows: Iterable[Row]) -> duckdb.DuckDBPyConnection:
        """Return an in-memory warehouse, of the same schemas and macros, made of parsed rows (table, values)."""
        connection = duckdb.connect()
        connection.execute("attach ':memory:' as dlpulse; use dlpulse")
        connection.execute("create schema intermediate; create schema parsed")
        found: dict[str, list[dict[str, Any]]] = {table: [] for table in STORED}
        for table, values in rows:
            found[table].append(values)
        for table, schema in STORED.items():
            arrow = pa.Table.from_pylist(found[table], schema=schema)
            connection.register("arrow", arrow)
            connection.execute(f"create table parsed.{table} as select * from arrow")
        connection.execute("create table parsed.parts (stem varchar, part varchar)")
        connection.execute(f"attach '{self.published}' as published (read_only)")
        for relation, sql in self.models.items():
            connection.execute(f"create table {relation} as {sql}")
        # A macro refuses tables made of other answers than its own file.
        made_of = "select concat(count(*), ' ', epoch_us(max(fetched_at))) from {}.main.meta_responses"
        theirs, ours = (
            f"'{connection.sql(made_of.format(name)).fetchall()[0][0]}'" for name in ("published", "dlpulse")
        )
        for name, sql in self.macros.items():
            assert theirs in sql
            connection.execute(f"create macro {name}(ts) as table {sql.replace(theirs, ours)}")
        return connection


def load(home: Path) -> Models:
    """Read the models that the newest build of `home` compiled; its benchmark tables stand for every build."""
    nodes = json.loads((home / "build" / "target" / "manifest.json").read_text("utf-8"))["nodes"]
    models: dict[str, str] = {}
    for mart in MACROS.values():
        _add(f"model.dlpulse.{mart}", nodes, models)
    # The paths that dbt compiled are relative to the home.
    models = {name: sql.replace("read_parquet('build/", f"read_parquet('{home}/build/") for name, sql in models.items()}
    with duckdb.connect(str(home / "dlpulse.duckdb"), read_only=True) as connection:
        sql = "select function_name, macro_definition from duckdb_functions() where function_name in ?"
        macros = dict(connection.execute(sql, [list(MACROS)]).fetchall())
    return Models(home / "dlpulse.duckdb", models, macros)


def _add(name: str, nodes: Mapping[str, Any], models: dict[str, str]) -> None:
    node = nodes.get(name)
    if node is None or node["relation_name"] in models:
        return
    if node["name"].startswith("fct_bench_"):
        models[node["relation_name"]] = f"select * from published.{node['name']}"
        return
    for parent in node["depends_on"]["nodes"]:
        _add(parent, nodes, models)
    if node["config"]["materialized"] != "ephemeral":
        models[node["relation_name"]] = _PARSED_FILES.sub(r"parsed.\1", node["compiled_code"])


def known_too_early(connection: duckdb.DuckDBPyConnection) -> list[Any]:
    """Rows of fct_stars whose known_at is before their values came to be: stars_as_of that instant has them not so."""
    instants = connection.execute("select distinct known_at from fct_stars order by known_at").fetchall()
    sql = """
        select * exclude (known_at) from fct_stars where known_at <= $1
        except all
        select * exclude (known_at) from stars_as_of($1)
    """
    return [(at, row) for (at,) in instants for row in connection.execute(sql, [at]).fetchall()]


def differences(connection: duckdb.DuckDBPyConnection, at: datetime, then: duckdb.DuckDBPyConnection) -> list[Any]:
    """Rows that a macro gives at an instant and its mart in the warehouse of then has not, or the other way round."""
    found: list[Any] = []
    for macro, mart in MACROS.items():
        known = Counter(map(repr, connection.execute(f"select * from {macro}(?)", [at]).fetchall()))
        expected = Counter(map(repr, then.execute(f"select * from {mart}").fetchall()))
        found += [(macro, row) for row in (known - expected).elements()]
        found += [(mart, row) for row in (expected - known).elements()]
    return found
