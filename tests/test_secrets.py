"""No secret is kept or shown: a token, a key and passwords in addresses, searched bytewise in all that is written."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from tests.conftest import environment
from tests.world import World
from warehouse.settings import parse_instant

NOW = "2026-11-23T10:00:00Z"
TOKEN = "ghp_5ecretTokenThatNobodyMaySee0123456789"
KEY = "5ecretKeyOfStackExchange(("
PASSWORD = "5ecretPassword"
SECRETS = (TOKEN, KEY, PASSWORD)
FAULTS = ("401", "html", "broken-off", "huge", "500")


@pytest.fixture(scope="module")
def written(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home in which everything was collected twice, the second time with faults, and all that was printed."""
    home = tmp_path_factory.mktemp("secrets") / "home"
    with World(shared_data, parse_instant(NOW)) as world:
        world.github.budgets[TOKEN] = world.github.limits[TOKEN] = 5_000
        variables = {
            name: address.replace("//127", f"//me:{PASSWORD}@127") for name, address in world.variables().items()
        }
        variables |= {"GITHUB_TOKEN": TOKEN, "DLPULSE_STACKEXCHANGE_KEY": KEY, "DLPULSE_NOW": NOW}
        known = environment(home, **variables)
        said = [run(known, "collect", "--framework", "chainer", "--framework", "keras", "--since", "2026-05-01")]
        for kind in FAULTS:
            world.fault(kind, count=-1)
            said.append(run(known, "--debug", "collect", "--framework", "chainer", "--since", "2026-08-01"))
            world.faults.clear()
        said += [run({**known, "DLPULSE_TIMEOUT": "wrong"}, "collect"), run(known, "collect", "--dry-run")]
        said += [run(known, "build"), run(known, "status"), run(known, "sql", "from meta_responses")]
    return home, "".join(said)


def run(variables: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "dlpulse", *arguments], env=variables, capture_output=True, text=True, check=False
    )
    return f"$ {' '.join(arguments)}\n{done.stdout}{done.stderr}"


def texts(home: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the bytes of every file, and unpacked what is compressed inside."""
    for path in home.rglob("*"):
        if path.is_file():
            yield str(path), path.read_bytes()
            if path.suffix == ".parquet":
                yield f"{path} unpacked", repr(pq.read_table(path, partitioning=None).to_pylist()).encode()
    with duckdb.connect(str(home / "dlpulse.duckdb"), read_only=True) as connection:
        for (table,) in connection.execute("select table_name from duckdb_tables()").fetchall():
            yield f"table {table}", repr(connection.execute(f'from "{table}"').fetchall()).encode()


def test_everything_was_really_asked(written):
    home, said = written
    assert {path.name.removeprefix("source=") for path in (home / "raw").iterdir()} >= {
        "stars", "ranking", "events", "papers", "surveys", "downloads", "questions", "releases",
    }  # fmt: skip
    assert "Traceback" not in said
    assert "GitHub refuses the GITHUB_TOKEN (401)" in said


@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_stands_in_any_file_below_the_home(written, secret):
    home, _ = written
    assert [name for name, content in texts(home) if secret.encode() in content] == []


@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_is_printed(written, secret):
    assert secret not in written[1]


def test_no_author_stands_in_any_file_below_the_home(written):
    home, _ = written
    assert [name for name, content in texts(home) if b"A. Author" in content] == []
