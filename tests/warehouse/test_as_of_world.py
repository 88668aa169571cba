"""As of, over HTTP: the world takes stars back and revises an abstract between two collections."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import duckdb

from tests.collectors.conftest import NOW, gather, settings, world  # noqa: F401 - fixtures
from warehouse import registry
from warehouse.build import build
from warehouse.settings import Settings

LATER = NOW + timedelta(days=3)
# Days of papers settle a week later: these are asked for again.
UNSETTLED = date(2026, 9, 6)


def published(settings: Settings, sql: str) -> list[tuple[Any, ...]]:  # noqa: F811
    with duckdb.connect(str(settings.database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_what_the_sources_rewrite_between_two_collections_stays_as_it_was_known(world, gather, settings):  # noqa: F811
    repo = world.github.find("chainer/chainer")
    repo.days = dict(repo.days)
    taken = max(day for day, stars in repo.days.items() if stars and day < date(2026, 8, 20))
    paper = next(one for one in world.arxiv.papers if one.submitted_on >= UNSETTLED and "PyTorch" in one.abstract)

    def collect(**changes: Any) -> None:
        gather("stars", ["chainer"], **changes)
        gather("papers", ["pytorch"], since=UNSETTLED, until=date(2026, 9, 10), **changes)
        build(settings, registry.load(settings))

    collect()
    stars = published(settings, "select * from fct_stars where source = 'github' order by all")
    mentions = published(settings, "select * from fct_mentions order by all")
    assert (paper.arxiv_id, "pytorch") in {row[:2] for row in mentions}

    repo.days[taken] -= 1
    world.arxiv.papers.remove(paper)
    world.arxiv.papers.append(replace(paper, title="PyTorch then", abstract="Of nothing that this test knows."))
    world.at(LATER)
    collect(clock=lambda: LATER)

    then = f"timestamp '{NOW + timedelta(days=1)}'"
    known = published(settings, f"select * from stars_as_of({then}) where source = 'github' order by all")
    assert known == stars != published(settings, "select * from fct_stars where source = 'github' order by all")
    assert published(settings, f"select * from mentions_as_of({then}) order by all") == mentions
    told = f"select in_title, in_abstract from {{}} where arxiv_id = '{paper.arxiv_id}' and framework_id = 'pytorch'"
    assert published(settings, told.format("fct_mentions")) == [(True, False)]
    assert published(settings, told.format(f"mentions_as_of({then})")) != [(True, False)]
