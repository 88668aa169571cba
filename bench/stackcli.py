"""The command `dlpulse bench stacks`: lists and removes the environments that matrix files left in the cache."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bench import stackcache, stacks
from bench.alone import alone
from warehouse.errors import BadInputError
from warehouse.settings import Settings

Remove = Annotated[list[str] | None, typer.Option("--remove", metavar="NAME", help="Remove this one; repeatable.")]
RemoveAll = Annotated[bool, typer.Option("--remove-all", help="Remove every one, and pip's own.")]

_BUSY = "a benchmark is running, perhaps from these environments; try again when it has ended"


def command(ctx: typer.Context, remove: Remove = None, remove_all: RemoveAll = False) -> None:
    """List the environments of library versions that --matrix made, with their size; or remove them."""
    settings: Settings = ctx.obj
    folder = stacks.folder(settings.home)
    if remove and remove_all:
        raise BadInputError("--remove excludes --remove-all")
    if not (remove or remove_all):
        _list(stackcache.environments(folder))
        return
    with alone(settings.home, _BUSY):
        for name in remove or ():
            typer.echo(f"{name}: removed, {stackcache.mb(stackcache.remove(folder, name))} freed")
        if remove_all:
            typer.echo(f"all removed, {stackcache.mb(stackcache.free(folder))} freed")


def _list(found: list[stackcache.Environment]) -> None:
    if not found:
        typer.echo("no environments: `dlpulse bench run --matrix FILE` makes them")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "state", "size", "packages"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "size" else "left")
    for one in found:
        state = "ready" if one.ready else "not finished"
        table.add_row(one.name, state, stackcache.mb(one.bytes), "\n".join(one.packages))
    Console().print(table)
    typer.echo(f"{stackcache.mb(sum(one.bytes for one in found))} in all; remove with --remove NAME or --remove-all")
