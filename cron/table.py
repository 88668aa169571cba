"""The user's crontab: the marked block of lines that is dlpulse's own. Every other line stays as it is."""

from __future__ import annotations

import os
import platform
import re
import shlex
import subprocess
import zlib
from pathlib import Path

from warehouse.errors import DlpulseError

HERE = Path(__file__).parent
BEGIN = "# >>> dlpulse: made by `dlpulse cron install`, taken out by `dlpulse cron remove` >>>"
END = "# <<< dlpulse <<<"
# How `crontab -l` says that there is none: cron's, and BusyBox'.
_NO_TABLE = ("no crontab", "can't open")
_PLACE = "@DLPULSE@/cron/run.sh"
_JOB = re.compile(r"(?P<minute>\d+)(?P<rest>(?:\s+\S+){4}\s+)" + re.escape(_PLACE) + r"\s+(?P<command>.+)")


def block(home: Path, python: str) -> str:
    """Return the block for a home: the lines of cron/crontab with real paths, each at a minute of this machine's own.

    All machines with one schedule would ask the sources in the same minute; the hours stay, and with them the order.
    """
    for path in (python, str(HERE)):
        if not path.isprintable():
            raise DlpulseError(f"cron cannot run {path!r}: its path holds a line break or the like")
    shift = zlib.crc32(f"{platform.node()}:{home}".encode()) % 60
    lines = [BEGIN]
    for line in (HERE / "crontab").read_text("utf-8").splitlines():
        if job := _JOB.fullmatch(line):
            minute = (int(job["minute"]) + shift) % 60
            # To cron a percent sign is the end of the line, unless it is escaped.
            wrapper = f"DLPULSE_PYTHON={shlex.quote(python)} {shlex.quote(str(HERE / 'run.sh'))}".replace("%", r"\%")
            lines.append(f"{minute}{job['rest']}{wrapper} {job['command']}")
    return "\n".join([*lines, END]) + "\n"


def with_block(table: str, new: str) -> str:
    """Return the crontab with the block in place of an earlier one, or at the end.

    Raises:
        DlpulseError: when the table has one mark of a block without the other.
    """
    before, _, after = _parted(table)
    return before + ("\n" if before and not before.endswith("\n") else "") + new + after


def without_block(table: str) -> str:
    """Return the crontab without the block; raises as `with_block` does."""
    before, _, after = _parted(table)
    return before + after


def own_block(table: str) -> str:
    """Return the block that stands in the crontab, "" when there is none; raises as `with_block` does."""
    return _parted(table)[1]


def _parted(table: str) -> tuple[str, str, str]:
    lines = table.splitlines(keepends=True)
    marks = [number for number, line in enumerate(lines) if line.strip() in (BEGIN, END)]
    if not marks:
        return table, "", ""
    if [lines[number].strip() for number in marks] != [BEGIN, END]:
        raise DlpulseError(f"your crontab has not one line {BEGIN!r} and after it one {END!r}: mend it by `crontab -e`")
    first, last = marks
    return "".join(lines[:first]), "".join(lines[first : last + 1]), "".join(lines[last + 1 :])


def read() -> str:
    """Return the user's crontab byte for byte, "" when there is none.

    Raises:
        DlpulseError: when this machine has no `crontab` command, or it refuses.
    """
    code, table, errors = _crontab("-l")
    if code and not any(words in errors.lower() for words in _NO_TABLE):
        raise DlpulseError(f"`crontab -l` failed: {errors or code}")
    return "" if code else table


def write(table: str) -> None:
    """Replace the user's crontab; raises as `read` does."""
    code, _, errors = _crontab("-", table)
    if code:
        raise DlpulseError(f"`crontab -` refused the new table: {errors or code}")


def _crontab(argument: str, table: str = "") -> tuple[int, str, str]:
    """Return exit code, output, and errors in one line. Whatever the table's encoding and line ends, they stay."""
    try:
        told = subprocess.run(["crontab", argument], input=os.fsencode(table), capture_output=True, check=False)
    except FileNotFoundError:
        raise DlpulseError(
            f"there is no `crontab` command here: install cron, or use the timers in {HERE / 'systemd'}"
        ) from None
    return told.returncode, os.fsdecode(told.stdout), " ".join(told.stderr.decode(errors="replace").split())
