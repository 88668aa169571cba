"""Kill -9 at any moment of build, publish and compaction: the published file is whole, and never goes back in time.

Kills come from outside after a random delay, or from inside at a chosen moment: a `sitecustomize` of the test's own,
which product code knows nothing of, kills its process right before or after it renames, flushes or removes a file.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.conftest import ROOT, environment
from tests.warehouse.test_build import REGISTRY, collected
from tests.warehouse.wholeness import by_command_line, by_python
from warehouse import registry
from warehouse.build import build
from warehouse.raw import Archive
from warehouse.settings import Settings
from warehouse.verification import verify

KILLER = '''
"""Kills its process, with its group, at one moment: its number, or its name; notes every moment before that."""
import fcntl, os, signal, sys

wanted, log = os.environ.pop("KILL_AT", None), os.environ.pop("KILL_LOG", "")
count = 0


def name(target):
    if not isinstance(target, int):
        return os.path.basename(os.fspath(target))
    if sys.platform == "darwin":
        return os.path.basename(fcntl.fcntl(target, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\\0").decode())
    return os.path.basename(os.readlink(f"/proc/self/fd/{target}"))


def moment(told):
    global count
    count += 1
    with open(log, "a") as file:
        file.write(told + "\\n")
    if wanted in (told, str(count)):
        os.killpg(0, signal.SIGKILL)


def watch(function):
    real = getattr(os, function)

    def watched(*arguments, **more):
        told = f"{function} {name(arguments[-1] if function == 'replace' else arguments[0])}"
        moment(f"before {told}")
        result = real(*arguments, **more)
        moment(f"after {told}")
        return result

    setattr(os, function, watched)


if wanted is not None:
    for function in ("replace", "fsync", "unlink"):
        watch(function)
'''
# The publish, as seen from inside: the new file is flushed, takes its name, and the name is made durable.
BEFORE_PUBLISH = ("before replace dlpulse.duckdb", "after fsync dlpulse.duckdb", "before fsync dlpulse.duckdb")
AFTER_PUBLISH = ("after replace dlpulse.duckdb", "before fsync home", "after fsync home")
PUBLISH = tuple(itertools.chain(*zip(BEFORE_PUBLISH, AFTER_PUBLISH, strict=True)))
KINDS = ("publish", "build moment", "compaction moment", "publish", "build delay", "compaction delay")
# All runs are of a closed year then.
COMPACTED_AT = "2027-03-01T00:00:00"
FACTS = "select table_name from duckdb_tables() where not internal and table_name <> 'meta_responses' order by 1"


@dataclass
class Home:
    """A home, what is written into it, and what its published file must hold at least."""

    settings: Settings
    hooks: Path
    chance: random.Random
    weeks: int = 0
    published: int = 0
    took: dict[str, float] = field(default_factory=dict)
    moments: dict[str, list[str]] = field(default_factory=dict)

    def write(self, runs: int) -> None:
        """Archive so many weekly runs of two answers and two notes each; one more that was killed while it wrote."""
        for _ in range(runs):
            at = datetime(2024, 1, 7, 12) + timedelta(weeks=self.weeks)
            sunday = date(2023, 12, 31) + timedelta(weeks=self.weeks)
            weeks = [(sunday - timedelta(weeks=back), [1, 0, 0, 0, 0, 0, self.weeks % 2]) for back in range(3)]
            collected(self.settings, at, 1000 + 9 * self.weeks, weeks, "2015-03-28T00:00:00Z")
            self.weeks += 1
        killed = Archive(self.settings.raw).start("downloads", lambda: at).__enter__()
        killed.write("keras", b"{}", params={"kind": "pypistats", "package": "keras", "mirrors": False}, status=404)

    def spawn(self, *arguments: str, kill_at: str | None = None) -> subprocess.Popen[str]:
        """Start dlpulse with a group of processes of its own."""
        (self.hooks / "log").write_text("")
        variables = {"PYTHONPATH": f"{self.hooks}:{ROOT}", "KILL_LOG": str(self.hooks / "log")} if kill_at else {}
        return subprocess.Popen(
            [sys.executable, "-m", "dlpulse", *arguments],
            env=environment(
                self.settings.home,
                DLPULSE_REGISTRY=str(self.settings.registry_file),
                DLPULSE_NOW=COMPACTED_AT,
                **variables,
                **({"KILL_AT": kill_at} if kill_at else {}),
            ),
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str) -> None:
        """Run dlpulse to its end, and learn how long it takes and which moments it has."""
        began = time.monotonic()
        with self.spawn(*arguments, kill_at="never") as process:
            assert process.stderr
            told = process.stderr.read()
        assert process.returncode == 0, told
        self.took[arguments[0]] = time.monotonic() - began
        moments = (self.hooks / "log").read_text().splitlines()
        # A run that finds nothing to do has none.
        self.moments[arguments[0]] = max(moments, self.moments.get(arguments[0], []), key=len)

    def answers(self) -> int:
        return sum(1 for _ in Archive(self.settings.raw).responses())

    def kill(self, kind: str, publish_moment: str) -> str:
        """Start what `kind` says, kill it; return the moment, or `finished` when it was too late."""
        arguments = ("build",) if kind.startswith(("publish", "build")) else ("raw", "compact")
        if kind.endswith("delay"):
            return self._kill_after(self.chance.uniform(0, 1.05 * self.took[arguments[0]]), arguments)
        count = len(self.moments[arguments[0]])
        chosen = publish_moment if kind == "publish" else str(self.chance.randint(1, count))
        with self.spawn(*arguments, kill_at=chosen) as process:
            assert process.stderr
            told = process.stderr.read()
        assert process.returncode in (0, -signal.SIGKILL), told
        if process.returncode == 0:
            return "finished"
        return f"{arguments[0]}: {(self.hooks / 'log').read_text().splitlines()[-1]}"

    def _kill_after(self, seconds: float, arguments: tuple[str, ...]) -> str:
        """Kill the whole group from outside or, as the kernel does when memory is short, the parent alone."""
        alone = self.chance.random() < 0.5
        process = self.spawn(*arguments)
        time.sleep(seconds)
        (os.kill if alone else os.killpg)(process.pid, signal.SIGKILL)
        told = process.communicate()[1]
        assert process.returncode in (0, -signal.SIGKILL), told
        return f"{arguments[0]}: after {seconds:.2f} s" if process.returncode else "finished"

    def look(self, moment: str) -> None:
        """Check the published file in both versions of DuckDB; it holds the last success or all that is archived."""
        seen, expected = by_python(self.settings.database), {self.published, self.answers()}
        if any(moment.endswith(name) for name in BEFORE_PUBLISH):
            expected = {self.published}
        if any(moment.endswith(name) for name in AFTER_PUBLISH):
            expected = {self.answers()}
        assert seen in expected, f"{moment}: {seen} answers are published"
        assert by_command_line(self.settings.database) == seen
        assert not list(self.settings.home.glob("*.wal"))
        self.published = seen

    def succeed(self) -> None:
        """Build and compact undisturbed; nothing that a kill left stays, and no answer is lost."""
        self.run("raw", "compact")
        self.run("build")
        self.published = self.answers()
        assert by_python(self.settings.database) == by_command_line(self.settings.database) == self.published
        assert self.leftovers() == []
        archive = Archive(self.settings.raw)
        found = [verify(archive, source, datetime(2027, 3, 1), lambda part: None) for source in archive.sources()]
        assert [fault for one in found for fault in one.faults] == []

    def leftovers(self) -> list[str]:
        """What a finished build and compaction should have removed."""
        left = [path for path in self.settings.home.rglob("*") if path.suffix in (".tmp", ".wal")]
        left += (self.settings.home / "build" / "new").iterdir()
        archive = Archive(self.settings.raw)
        left += set(archive.files()) - set(archive.parts())
        return sorted(str(path.relative_to(self.settings.home)) for path in left)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "sitecustomize.py").write_text(KILLER)
    (tmp_path / "one.toml").write_text(REGISTRY)
    folder = tmp_path / "home"
    settings = Settings(home=folder, raw=folder / "raw", registry_file=tmp_path / "one.toml")
    return Home(settings, hooks, random.Random(4))


def contents(database: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, but for meta_responses: which part holds an answer may differ."""
    with duckdb.connect(str(database), read_only=True) as connection:
        names = [name for (name,) in connection.execute(FACTS).fetchall()]
        return {name: connection.execute(f"from {name} order by all").fetchall() for name in names}


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kills", [6, pytest.param(100, marks=pytest.mark.long)])
def test_killed_at_any_moment_the_published_file_is_whole_and_never_older_than_the_last_success(
    home: Home, tmp_path: Path, kills: int
) -> None:
    home.write(runs=6)
    home.succeed()
    assert {*BEFORE_PUBLISH, *AFTER_PUBLISH} <= set(home.moments["build"])
    told: list[str] = []
    moments = itertools.cycle(PUBLISH)
    for number in range(kills):
        home.write(runs=2)
        kind = KINDS[number % len(KINDS)]
        told.append(home.kill(kind, next(moments) if kind == "publish" else ""))
        print(f"{kind}: {told[-1]}", flush=True)
        if kind == "publish":
            assert told[-1] != "finished"
        home.look(told[-1])
        if number % 5 == 4:
            home.succeed()
    home.succeed()
    assert sum(moment != "finished" for moment in told) >= 0.8 * kills
    shutil.copytree(home.settings.raw, tmp_path / "fresh" / "raw")
    fresh = Settings(tmp_path / "fresh", tmp_path / "fresh" / "raw", home.settings.registry_file)
    build(fresh, registry.load(fresh))
    assert contents(home.settings.database) == contents(fresh.database)
