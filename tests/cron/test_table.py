"""`dlpulse cron`: its own marked block of the crontab, and nothing else of it."""

from __future__ import annotations

import plistlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import dlpulse as command_line
from cron import table
from tests.conftest import ROOT, environment
from warehouse.errors import DlpulseError

OTHERS = "MAILTO=me@example.org\n# mine\n0 3 * * 1 backup --all\n"
BLOCK = f"{table.BEGIN}\n1 * * * * x\n{table.END}\n"
# What `crontab` of Debian's cron does, with a file of the test's own.
CRONTAB = """#!/bin/sh
case "$1" in
    -l) if [ -f "$TABLE" ]; then cat "$TABLE"; else echo "no crontab for nobody" >&2; exit 1; fi;;
    -) cat > "$TABLE.new"; if grep -q refuse "$TABLE.new"; then echo '"-":1: bad minute' >&2; exit 1; fi
       mv "$TABLE.new" "$TABLE";;
esac
"""


@pytest.fixture
def crontab(tmp_path: Path) -> Path:
    """The file that stands for the user's crontab."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "crontab"
    program.write_text(CRONTAB)
    program.chmod(0o755)
    return tmp_path / "table"


def cron(crontab: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    outer = environment(crontab.parent / "home", **variables)
    outer |= {"PATH": f"{crontab.parent / 'bin'}:/usr/bin:/bin", "TABLE": str(crontab)}
    command = [sys.executable, "-m", "dlpulse", "cron", *arguments]
    return subprocess.run(command, env=outer, cwd=ROOT, capture_output=True, text=True, check=False)


def test_installing_adds_a_block_once_and_removing_leaves_what_was_there(crontab: Path) -> None:
    crontab.write_text(OTHERS)
    first, second = cron(crontab, "install"), cron(crontab, "install")
    assert first.stdout == "3 lines are in your crontab; `crontab -l` shows them\n"
    assert second.stdout == "3 lines were there already; `crontab -l` shows them\n"
    written = crontab.read_text()
    assert written.startswith(OTHERS + table.BEGIN) and written.count(table.BEGIN) == 1
    shown = cron(crontab, "show")
    assert (shown.stdout, shown.stderr) == (written.removeprefix(OTHERS), "these lines are in your crontab\n")
    assert cron(crontab, "remove").stdout == "taken out of your crontab\n"
    assert crontab.read_text() == OTHERS
    assert cron(crontab, "remove").stdout == "there was nothing of dlpulse's in your crontab\n"


def test_every_byte_of_other_lines_stays(crontab: Path) -> None:
    before = "# Ümlaut\r\n0 3 * * 1 x\ry\n".encode("latin-1")
    crontab.write_bytes(before)
    assert cron(crontab, "install").returncode == cron(crontab, "remove").returncode == 0
    assert crontab.read_bytes() == before


def test_lines_of_a_hand_made_install_are_told(crontab: Path) -> None:
    crontab.write_text("17 * * * * /opt/dlpulse/cron/run.sh collect --due\n")
    assert "lines of an earlier hand-made install" in cron(crontab, "install").stderr
    assert crontab.read_text().startswith("17 * * * * /opt")


def test_without_a_crontab_one_is_made(crontab: Path) -> None:
    assert cron(crontab, "show").stderr == "these lines are not in your crontab\n"
    assert cron(crontab, "install").returncode == 0
    jobs = [line for line in crontab.read_text().splitlines() if not line.startswith("#")]
    assert [job.split("run.sh ")[1] for job in jobs] == ["collect --due", "build", "status"]


def test_settings_that_cron_will_not_know_are_named_and_not_shown(crontab: Path) -> None:
    told = cron(crontab, "install", GITHUB_TOKEN="hidden-token")
    assert "cron does not know this call's DLPULSE_" in told.stderr and "GITHUB_TOKEN" in told.stderr
    assert "hidden-token" not in told.stderr + told.stdout + crontab.read_text()


def test_a_block_that_was_half_deleted_is_left_alone(crontab: Path) -> None:
    crontab.write_text(OTHERS + table.BEGIN + "\n")
    for command in ("install", "remove", "show"):
        told = cron(crontab, command)
        assert told.returncode == 1 and "mend it by `crontab -e`" in told.stderr.splitlines()[-1]
    assert crontab.read_text() == OTHERS + table.BEGIN + "\n"


def test_a_refused_table_and_a_machine_without_cron_are_one_line(crontab: Path) -> None:
    crontab.write_text("refuse\n")
    told = cron(crontab, "install")
    assert (told.returncode, told.stderr.splitlines()[-1]) == (
        1, 'dlpulse: `crontab -` refused the new table: "-":1: bad minute'
    )  # fmt: skip
    (crontab.parent / "bin" / "crontab").unlink()
    if shutil.which("crontab", path="/usr/bin:/bin") is None:
        told = cron(crontab, "install")
        assert told.returncode == 1
        assert told.stderr.startswith("dlpulse: there is no `crontab` command here: install cron, or use the timers")


@given(st.text(st.characters(codec="utf-8")).filter(lambda text: table.BEGIN not in text and table.END not in text))
def test_other_lines_are_never_touched(others: str) -> None:
    whole = others if not others or others.endswith("\n") else others + "\n"
    held = table.with_block(others, BLOCK)
    assert held == whole + BLOCK
    assert table.with_block(held, BLOCK) == held
    assert table.own_block(held) == BLOCK and table.without_block(held) == whole


def test_lines_after_the_block_stay_after_it() -> None:
    held = OTHERS + BLOCK + "5 5 * * * later\n"
    assert table.with_block(held, BLOCK.replace("x", "y")) == held.replace("* x", "* y")
    with pytest.raises(DlpulseError):
        table.own_block(BLOCK + BLOCK)


def test_machines_and_homes_have_minutes_of_their_own_and_keep_the_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    minutes = set()
    for number in range(40):
        monkeypatch.setattr(table.platform, "node", lambda number=number: f"host-{number}")
        jobs = table.block(Path("/home/x"), "/usr/bin/python3").splitlines()[1:-1]
        assert [job.split()[1] for job in jobs] == ["*", "5", "8"]
        minutes.add(tuple(int(job.split()[0]) for job in jobs))
    assert len(minutes) > 20 and all(0 <= minute < 60 for each in minutes for minute in each)


def test_a_path_that_would_end_a_line_is_refused() -> None:
    with pytest.raises(DlpulseError, match="its path holds a line break"):
        table.block(Path("/home/x"), "/home/x/a\n* * * * * rm -rf /")


def test_a_path_with_blanks_quotes_and_percent_signs_reaches_the_shell_whole(tmp_path: Path) -> None:
    python = tmp_path / "it's 100 % mine"
    line = table.block(tmp_path, str(python)).splitlines()[1]
    # What cron hands to the shell: the sixth field on, with the escape of percent signs undone.
    command = re.sub(r"\\%", "%", line.split(None, 5)[5])
    assert "%" not in re.sub(r"\\%", "", line)
    script = command.split(" /", 1)[0] + '; printf %s "$DLPULSE_PYTHON"'
    assert subprocess.check_output(["sh", "-c", script], text=True) == str(python)


def commands() -> list[str]:
    """The dlpulse commands that the examples for other schedulers run."""
    found = []
    for unit in sorted((ROOT / "cron" / "systemd").glob("*.service")):
        found += re.findall(r"^ExecStart=@DLPULSE@/cron/run\.sh (.+)$", unit.read_text(), re.M)
    plist = plistlib.loads((ROOT / "cron" / "launchd" / "dlpulse.collect.plist").read_bytes())
    found.append(" ".join(plist["ProgramArguments"][1:]))
    workflow: Any = yaml.safe_load((ROOT / "cron" / "workflow" / "publish.yml").read_text())
    runs = "\n".join(step.get("run", "") for step in workflow["jobs"]["publish"]["steps"])
    return found + re.findall(r"^dlpulse ([a-z][^|\n]*?)(?: \|\|.*)?$", runs, re.M)


def test_the_other_schedulers_examples_run_real_commands() -> None:
    known = command_line.typer.main.get_command(command_line.app)
    found = commands()
    assert {"collect --due", "build", "status", "report site"} <= set(found)
    for command in found:
        name, *rest = command.split()
        options = {option for parameter in known.commands[name].params for option in parameter.opts}
        assert all(word in options for word in rest if word.startswith("-")), command


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for unit in (ROOT / "cron" / "systemd").iterdir():
        (tmp_path / unit.name).write_text(unit.read_text().replace("@DLPULSE@", str(ROOT)))
    units = [str(path) for path in sorted(tmp_path.iterdir())]
    assert len(units) == 6
    done = subprocess.run(["systemd-analyze", "verify", "--user", *units], capture_output=True, text=True, check=False)
    told = [line for line in done.stderr.splitlines() if "dlpulse" in line]
    assert told == []
