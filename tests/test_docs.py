"""The documentation: the site is built strictly, every command and query on it is one, every metric has its entry."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import nbclient
import nbformat
import pytest
import typer
import yaml

import dlpulse as command_line
from tests.conftest import ROOT
from warehouse import registry
from warehouse.settings import Settings

PAGES = sorted([*ROOT.glob("docs/**/*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
# Each of its queries stands in a file, which test_queries.py runs.
TESTED_ELSEWHERE = {"queries.md"}
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks(*kinds: str) -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        if page.name not in TESTED_ELSEWHERE:
            yield from ((page, code) for kind, code in BLOCK.findall(page.read_text("utf-8")) if kind in kinds)


def command_lines() -> list[tuple[str, str]]:
    """Every line of a shell block or in single back quotes that calls dlpulse, with its page."""
    found = [(page.name, line.strip()) for page, code in blocks("sh", "") for line in code.splitlines()]
    for page in PAGES:
        text = BLOCK.sub("", page.read_text("utf-8"))
        found += [(page.name, " ".join(words.split())) for words in re.findall(r"`(dlpulse [^`]+)`", text)]
    return sorted({(page, line) for page, line in found if line.startswith("dlpulse ")})


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    assert (tmp_path / "site" / "sources" / "stars" / "index.html").exists()
    # Who reads it is nobody else's business.
    fetched = [
        address
        for page in (tmp_path / "site").rglob("*.html")
        for address in re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(https?:[^"]+)"', page.read_text("utf-8"))
    ]
    assert fetched == []


def test_the_help_on_the_page_is_that_of_the_commands() -> None:
    command = [sys.executable, "-m", "cogapp", "--check", "docs/commands.md"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, f"python -m cogapp -r docs/commands.md\n{checked.stdout}{checked.stderr}"


@pytest.mark.parametrize(("page", "line"), command_lines())
def test_every_command_on_a_page_is_one(page: str, line: str) -> None:
    words = shlex.split(line.replace("[", "").replace("]", "").replace("…", ""), comments=True)[1:]
    command = typer.main.get_command(command_line.app)
    context = command.make_context("dlpulse", ["sql"], resilient_parsing=True)
    while words and (words[0] in getattr(command, "commands", {}) or words[0].startswith("--")):
        if words[0].startswith("--"):  # an option before the command
            known = next(one for one in command.get_params(context) if words[0] in one.opts)
            del words[: 1 if known.is_flag else 2]
            continue
        command = command.commands[words.pop(0)]
    assert not getattr(command, "commands", None) or not words or words[0].isupper(), f"{page}: {line}"
    # Its options are those that there are; a value or argument may be a word such as FILE.
    command.make_parser(command.make_context("dlpulse", ["x"], resilient_parsing=True)).parse_args(words)


@pytest.fixture(scope="module")
def cited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of the cited facts alone."""
    from warehouse.build import build

    home = tmp_path_factory.mktemp("docs")
    settings = Settings(home=home, raw=home / "raw")
    build(settings, registry.load(settings))
    with duckdb.connect(str(settings.database), read_only=True) as connection:
        yield connection


@pytest.mark.parametrize(("page", "code"), [(page.name, code) for page, code in blocks("sql")])
def test_every_query_on_a_page_runs(cited: duckdb.DuckDBPyConnection, page: str, code: str) -> None:
    statements = duckdb.extract_statements(code)
    assert statements
    for statement in statements:
        cited.execute(statement)


def test_every_table_that_a_page_names_is_there(cited: duckdb.DuckDBPyConnection) -> None:
    there = {name for (name,) in cited.execute("select table_name from duckdb_tables()").fetchall()}
    there |= {name for (name,) in cited.execute("select function_name from duckdb_functions()").fetchall()}
    named = {
        (page.name, name)
        for page in PAGES
        for name in re.findall(r"`((?:dim|fct|rpt|hist|meta)_\w+|\w+_as_of)\b", page.read_text("utf-8"))
    }
    assert {(page, name) for page, name in named if name not in there and not name.endswith("_")} == set()


@pytest.mark.parametrize("code", [code for _, code in blocks("toml") if "[[framework]]" in code])
def test_every_block_of_a_registry_on_a_page_is_taken(tmp_path: Path, code: str) -> None:
    settings = Settings(home=tmp_path, raw=tmp_path / "raw")
    (tmp_path / "frameworks.toml").write_text(code, "utf-8")
    (added,) = tomllib.loads(code)["framework"]
    assert added["id"] in registry.load(settings).frameworks


@pytest.mark.parametrize(("page", "code"), [(page.name, code) for page, code in blocks("python")])
def test_every_piece_of_python_on_a_page_is_python(page: str, code: str) -> None:
    compile(code, page, "exec")


def test_every_measure_has_its_entry_in_the_glossary() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text("utf-8")
    models = yaml.safe_load((ROOT / "warehouse/dbt/models/marts/_marts.yml").read_text("utf-8"))["models"]
    (figures,) = (model for model in models if model["name"] == "rpt_framework_figures")
    (measure,) = (column for column in figures["columns"] if column["name"] == "measure")
    (accepted,) = (test["accepted_values"] for test in measure["data_tests"] if "accepted_values" in test)
    measured = set()
    for module in (ROOT / "bench").glob("*.py"):
        text = module.read_text("utf-8")
        measured |= set(re.findall(r'(?:once|Measurement)\(\s*"(?:setup|training|inference)", "(\w+)"', text))
    assert len(measured) > 8
    for name in {*accepted["arguments"]["values"], *measured}:
        assert f"`{name}`" in glossary, name


def test_the_notebook_answers_from_the_database(
    cited: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    ((file,),) = cited.execute("select path from duckdb_databases() where database_name = 'dlpulse'").fetchall()
    monkeypatch.setenv("DLPULSE_HOME", str(Path(file).parent))
    notebook = nbformat.read(ROOT / "docs" / "which-first.ipynb", as_version=4)
    assert [cell for cell in notebook.cells if cell.get("outputs")] == []  # its figures are the reader's own
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(ROOT)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert len([one for one in outputs if "image/png" in one.get("data", {})]) == 3
    said = "".join(one.text for one in outputs if one.output_type == "stream")
    assert "No difference in speed is resolved on this machine." in said
    assert any("reproduced" in one.get("data", {}).get("text/plain", "") for one in outputs)
