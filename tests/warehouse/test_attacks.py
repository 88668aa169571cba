"""The attack corpus on ad-hoc SQL, each statement in the real child process: none gets out, none lasts."""

from __future__ import annotations

import multiprocessing
import resource
import socket
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest

from warehouse import sqlbox
from warehouse.errors import DlpulseError

CORPUS = tomllib.loads(Path(__file__).with_name("attacks.toml").read_text("utf-8"))
CANARY = "the canary sings 7f3a"
TOKEN = "ghp_notARealTokenButASecret"
SECONDS = 1.0
# What a start and an ending may take on a machine of two busy cores, beside the query's own second.
SLACK_SECONDS = 10.0
AT_ONCE = 3
WIDE = ", ".join(f"{number} as c{number}" for number in range(10_000))
TEXTS = {
    "{DEEP}": "(" * 200_000,
    "{CLOSED}": ")" * 200_000,
    "{LISTS}": "[" * 50_000,
    "{LISTSCLOSED}": "]" * 50_000,
    "{CASES}": "case when true then " * 20_000,
    "{ENDS}": " end" * 20_000,
    "{NOTS}": "not " * 200_000,
    "{LONG}": "x" * 10_000_000,
    "{PLUSES}": "+ 1 " * 500_000,
    "{ANDS}": "and 1 = 1 " * 200_000,
    "{WIDE}": WIDE,
    "{UNIONS}": " union all ".join(["select 1"] * 50_000),
    "{SUBQUERIES}": "select * from (" * 20_000 + "select 1" + ")" * 20_000,
    "{NESTEDCTES}": "with a0 as (select 1 as x), "
    + ", ".join(f"a{number} as (select l.x from a{number - 1} l, a{number - 1} r)" for number in range(1, 40))
    + " select count(*) from a39",
    "{JOINS}": "select count(*) from " + ", ".join(f"fct_stars t{number}" for number in range(300)),
}


class Outside(NamedTuple):
    """What lies outside the database: the places that an attack is told of, and a listener that counts callers."""

    database: Path
    folder: Path
    canary: Path
    canary_csv: Path
    listener: socket.socket

    def fill(self, attack: str) -> str:
        url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        for name, text in TEXTS.items():
            attack = attack.replace(name, text)
        places = {
            "{folder}": self.folder,
            "{database}": self.database,
            "{canary_csv}": self.canary_csv,
            "{canary}": self.canary,
            "{url}": url,
            "{url_rest}": url.removeprefix("http"),
            "{{": "{",
            "}}": "}",
        }
        for name, place in places.items():
            attack = attack.replace(name, str(place))
        return attack

    def state(self) -> dict[str, bytes]:
        return {str(file): file.read_bytes() for file in self.folder.parent.rglob("*") if file.is_file()}

    def was_called(self) -> bool:
        try:
            self.listener.accept()[0].close()
        except BlockingIOError:
            return False
        return True


class Outcome(NamedTuple):
    """How an attack ended: `rows` as text when it gave any, the error's line otherwise."""

    attack: str
    rows: str
    error: str
    seconds: float


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    root = tmp_path_factory.mktemp("attacked")
    (root / "home").mkdir()
    (root / "writable").mkdir()
    database = root / "home" / "dlpulse.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute("create table fct_stars as select range as stars, 'observed' as estimator from range(200)")
        connection.execute("create table dim_repos as select 'keras' as repo_id")
        connection.execute("create macro stars_as_of(ts) as table select * from fct_stars")
    canary = root / "writable" / "canary.txt"
    canary.write_text(f"{CANARY}\n")
    canary_csv = root / "writable" / "canary.csv"
    canary_csv.write_text(f"name,song\ncanary,{CANARY}\n")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield Outside(database, root / "writable", canary, canary_csv, listener)


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)


def attack_all(outside: Outside, attacks: list[str]) -> list[Outcome]:
    filled = [outside.fill(attack) for attack in attacks]
    answered, _ = ask_all(outside.database, filled)
    return [one._replace(attack=attack) for one, attack in zip(answered, attacks, strict=True)]


def ask_all(database: Path, statements: list[str]) -> tuple[list[Outcome], int]:
    """The outcomes, and the largest resident size of any process that this one started and saw end."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = list(pool.map(lambda statement: ask(database, statement), statements))
    return outcomes, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


def ask(database: Path, statement: str) -> Outcome:
    started = time.monotonic()
    rows, error = "", ""
    try:
        with sqlbox.ask(database, statement, seconds=SECONDS, memory="300MB") as answer:
            rows = "no rows"
            for number, batch in enumerate(answer.batches):
                rows = str(batch.slice(0, 1000).to_pydict()) if number == 0 and batch.num_columns < 100 else "rows"
    except DlpulseError as refusal:
        error = str(refusal)
    return Outcome(statement[:200], rows, error, time.monotonic() - started)


def unchanged(outside: Outside, check: Callable[[], list[Outcome]]) -> list[Outcome]:
    """The outcomes, after making sure that the folder, the database and the listener were left alone."""
    before = outside.state()
    outcomes = check()
    assert outside.state() == before
    assert not outside.was_called()
    assert [one.attack for one in outcomes if any(word in one.rows + one.error for word in (CANARY, TOKEN))] == []
    return outcomes


def test_the_corpus_is_large_and_has_no_statement_twice() -> None:
    attacks = [attack for group in CORPUS.values() for attack in group]
    assert len(attacks) >= 200
    assert len(set(attacks)) == len(attacks)


@pytest.mark.parametrize("step", [pytest.param(3, id="every third"), pytest.param(1, id="all", marks=pytest.mark.long)])
def test_statements_that_reach_out_or_change_are_refused_in_one_line(outside: Outside, step: int) -> None:
    outcomes = unchanged(outside, lambda: attack_all(outside, CORPUS["refused"][::step]))
    assert [(one.attack, one.rows) for one in outcomes if one.rows] == []
    refusals = ("SQL: ", "expected one SQL statement")
    assert [(one.attack, one.error) for one in outcomes if not one.error.startswith(refusals)] == []
    assert [one.attack for one in outcomes if "\n" in one.error or len(one.error) > 1000] == []


def test_functions_that_tell_of_the_machine_tell_no_secret(outside: Outside) -> None:
    outcomes = unchanged(outside, lambda: attack_all(outside, CORPUS["harmless"]))
    assert len(outcomes) == len(CORPUS["harmless"])


def test_no_attack_outlives_its_limit(outside: Outside) -> None:
    # From a process of its own, so that the peak is that of these children, not of all that this worker ever started.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        statements = [outside.fill(attack) for attack in CORPUS["endless"]]
        peaks = []

        def attack() -> list[Outcome]:
            outcomes, peak = pool.submit(ask_all, outside.database, statements).result()
            peaks.append(peak)
            return outcomes

        outcomes = unchanged(outside, attack)
    late = [(one.attack, round(one.seconds, 1)) for one in outcomes if one.seconds > SECONDS + SLACK_SECONDS]
    assert late == []
    # DuckDB's limit and what is reserved beside it; ru_maxrss is in KiB on Linux, and no limit holds on macOS.
    if sys.platform == "linux":
        assert 0 < peaks[0] * 1024 < 300_000_000 + (2 << 30)
    assert [(one.attack, one.error) for one in outcomes if "\n" in one.error or "exit code" in one.error] == []
