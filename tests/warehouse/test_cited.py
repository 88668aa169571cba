"""The shipped figures: each equals what its source was recorded to say, and carries address, day and base."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from warehouse import cited
from warehouse.errors import BadInputError

NAMES = {"Torch7": "torch7", "PaddlePaddle": "paddlepaddle"}


def table(name: str) -> list[dict[str, object]]:
    return [dict(fact.values) for fact in cited.facts() if fact.table == name]


def test_every_star_count_is_one_that_was_recorded(shared_data: Path) -> None:
    with (shared_data / "stars" / "observed_monthly.csv").open() as file:
        recorded = {
            (row["framework"].lower(), row["date"], int(row["stars"]), row["source"]) for row in csv.DictReader(file)
        }
    ours = {(row["framework_id"], str(row["day"]), row["stars"], row["source"]) for row in table("stars")}
    assert len(ours) == 133
    assert ours <= recorded


def test_the_pair_around_the_articles_claim_is_there() -> None:
    counts = {(row["framework_id"], str(row["day"])): row["stars"] for row in table("stars")}
    assert counts["keras", "2018-06-10"] == 30_349
    assert counts["keras", "2018-07-17"] == 31_664
    assert counts["pytorch", "2018-06-10"] == 16_267
    assert counts["pytorch", "2018-07-17"] == 17_157


def test_every_kdnuggets_vote_is_one_that_was_recorded(shared_data: Path) -> None:
    with (shared_data / "surveys" / "kdnuggets_votes.csv").open() as file:
        recorded = {
            (int(row["year"]), row["tool"], int(row["votes"]), int(row["voters_total"] or 0))
            for row in csv.DictReader(file)
        }
    ours = {
        (row["year"], row["label"], row["respondents"], row["base"] or 0)
        for row in table("surveys")
        if row["survey"] == "kdnuggets"
    }
    assert ours == recorded


def test_every_figure_has_its_address_and_the_day_it_was_read() -> None:
    for fact in cited.facts():
        assert str(fact.values["source_url"]).startswith("https://")
        assert fact.values["read_on"]
        assert cited.find(fact.response_id) == fact


def test_a_malformed_cell_is_named_by_file_line_and_column(tmp_path: Path) -> None:
    folder = shutil.copytree(cited.FOLDER, tmp_path / "facts")
    lines = (folder / "stars.csv").read_text().splitlines()
    (folder / "stars.csv").write_text("\n".join([*lines[:2], lines[2].replace("30349", "many")]))
    with pytest.raises(BadInputError, match=r"stars\.csv: line 3: stars: expected a whole number, found 'many'"):
        list(cited.facts(folder))
