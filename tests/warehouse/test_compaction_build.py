"""A compaction changes no published fact, and what a build has parsed before is not parsed again."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.warehouse.test_build import REGISTRY, collected
from warehouse import registry
from warehouse.build import Built, build
from warehouse.compaction import alone, compact
from warehouse.raw import Archive
from warehouse.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "one.toml").write_text(REGISTRY)
    return Settings(home=tmp_path / "home", raw=tmp_path / "home" / "raw", registry_file=tmp_path / "one.toml")


def published(settings: Settings) -> tuple[Built, dict[str, list[tuple[object, ...]]]]:
    """Build; return every table's rows, but for the column that names the part of an answer."""
    built = build(settings, registry.load(settings))
    with duckdb.connect(str(settings.database), read_only=True) as connection:
        names = [
            name
            for (name,) in connection.execute("select table_name from duckdb_tables() where not internal").fetchall()
        ]
        chosen = {name: "* exclude (part)" if name == "meta_responses" else "*" for name in names}
        return built, {
            name: connection.execute(f"from (select {chosen[name]} from {name}) order by all").fetchall()
            for name in names
        }


def test_published_facts_are_the_same_before_and_after_a_compaction(settings: Settings) -> None:
    archive = Archive(settings.raw)
    for number in range(12):
        at = datetime(2026, 8, 23, 12) + timedelta(days=7 * number)
        weeks = [(date(2026, 8, 16) + timedelta(weeks=number - back), [number + back] * 7) for back in range(3)]
        collected(settings, at, 1000 + 9 * number, weeks, "2015-03-28T00:00:00Z")
    before, facts = published(settings)
    with alone(archive):
        done = compact(archive, "stars", datetime(2026, 11, 15), lambda part: None)
    assert (done.parts_before, done.parts_after, done.faults) == (12, 5, [])
    after, facts_after = published(settings)
    assert len(facts["fct_stars"]) > 20
    assert facts_after == facts
    assert (before.new_parts, after.new_parts) == (12, 0)
    with duckdb.connect(str(settings.database), read_only=True) as connection:
        told = connection.execute("select distinct part from meta_responses where part like 'source=%'").fetchall()
    assert {part for (part,) in told} == {f"source=stars/{part.name}" for part in archive.parts()}
