"""The worked queries by name, through the command, and on their page in docs/."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests import docs_queries
from tests.conftest import Dlpulse
from warehouse import queries
from warehouse.errors import BadInputError

NAMES = queries.names()


# By name


@pytest.mark.parametrize("name", ["half_life", "half-life", "HALF_LIFE", "half_life.sql"])
def test_a_query_is_found_by_its_name(name: str) -> None:
    assert queries.find(name).name == "half_life"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("momentun", "--query: there is no worked query 'momentun'; did you mean momentum"),
        ("stars", "--query: there is no worked query 'stars'; did you mean star_kinds"),
        ("zzz", f"--query: there is no worked query 'zzz'; known: {', '.join(NAMES)}"),
    ],
)
def test_an_unknown_name_is_one_line_with_the_nearest_names(name: str, message: str) -> None:
    with pytest.raises(BadInputError, match=re.escape(message)):
        queries.find(name)


def test_the_command_lists_the_queries(dlpulse: Dlpulse) -> None:
    result = dlpulse("sql", "--queries", "--format", "json")
    assert (result.returncode, result.stderr) == (0, "")
    assert [row["query"] for row in json.loads(result.stdout)] == NAMES


def test_the_command_refuses_an_unknown_query_and_two_at_once(dlpulse: Dlpulse) -> None:
    unknown = dlpulse("sql", "--query", "momentun")
    both = dlpulse("sql", "select 1", "--query", "momentum")
    assert (unknown.returncode, both.returncode) == (2, 2)
    assert unknown.stderr.startswith("dlpulse: --query: there is no worked query 'momentun'; did you mean momentum")
    assert both.stderr.startswith("dlpulse: expected one of: ")


# The page


@pytest.fixture(scope="module")
def sections() -> dict[str, str]:
    """The page's part of each query, by name."""
    parts = re.split(r"^### ", docs_queries.PAGE.read_text("utf-8"), flags=re.MULTILINE)[1:]
    return {part.partition("\n")[0]: part for part in parts}


def test_the_page_shows_every_query_with_exactly_its_sql(sections: dict[str, str]) -> None:
    shown = {name: re.findall(r"```sql\n(.*?\n)```", part, re.DOTALL) for name, part in sections.items()}
    assert shown == {one.name: [one.sql] for one in queries.load()}


def test_the_page_shows_what_the_queries_say_of_the_real_figures(
    sections: dict[str, str], shared_data: Path, tmp_path: Path
) -> None:
    database, base = docs_queries.build_home(shared_data, tmp_path / "home")
    unlike = [
        one.name
        for one in queries.load()
        if one.name not in docs_queries.BENCHMARKED
        and docs_queries.section(one, database).removeprefix("### ").strip() != sections[one.name].strip()
    ]
    assert unlike == [], "run `python -m tests.docs_queries`"
    page = docs_queries.PAGE.read_text("utf-8")
    assert f"* {base['counts']} more star counts" in page
    assert f"* {base['papers']} papers of 2014 to 2017" in page


def test_no_number_of_the_test_world_is_on_the_page() -> None:
    page = docs_queries.PAGE.read_text("utf-8")
    assert "127.0.0.1" not in page
    assert "Generated" not in page
