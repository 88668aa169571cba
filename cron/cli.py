"""`dlpulse cron`: puts the schedule into your crontab, shows it, takes it out again."""

from __future__ import annotations

import os
import sys

import typer

from cron import table
from warehouse.settings import Settings, default_home

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Put the schedule into your crontab, or take it out."
)
_SECRETS = ("GITHUB_TOKEN",)


@app.command()
def show(ctx: typer.Context) -> None:
    """Print the lines that `install` writes, and say whether they are there."""
    settings: Settings = ctx.obj
    new = table.block(settings.home, sys.executable)
    print(new, end="")
    there = table.own_block(table.read())
    state = "are in" if there == new else "differ from those in" if there else "are not in"
    print(f"these lines {state} your crontab", file=sys.stderr)


@app.command()
def install(ctx: typer.Context) -> None:
    """Write the schedule into your crontab, in a marked block; other lines stay, and twice is once."""
    settings: Settings = ctx.obj
    before = table.read()
    new = table.block(settings.home, sys.executable)
    after = table.with_block(before, new)
    if after != before:
        table.write(after)
    jobs = len(new.splitlines()) - 2
    print(f"{jobs} lines {'are in your crontab' if after != before else 'were there already'}; `crontab -l` shows them")
    if "/cron/run.sh " in table.without_block(after):
        print("lines of an earlier hand-made install stand there too: take them out by `crontab -e`", file=sys.stderr)
    _warn_of_settings(settings)


@app.command()
def remove() -> None:
    """Take the schedule out of your crontab; other lines stay."""
    before = table.read()
    after = table.without_block(before)
    if after != before:
        table.write(after)
    print("taken out of your crontab" if after != before else "there was nothing of dlpulse's in your crontab")


def _warn_of_settings(settings: Settings) -> None:
    """Name the settings of this call: cron does not know them."""
    given = {name for name in os.environ if name.startswith("DLPULSE_") or name in _SECRETS}
    if settings.home != default_home():
        given.add("DLPULSE_HOME")
    if given:
        print(
            f"cron does not know this call's {', '.join(sorted(given))}: write NAME=value lines into "
            "~/.config/dlpulse/env (mode 600)",
            file=sys.stderr,
        )
