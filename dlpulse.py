"""The `dlpulse` command: joins the sub-apps. The one place where errors become text and exit codes."""

from __future__ import annotations

import os
import sys
import traceback
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench import cli as bench_cli
from collectors import cli as collectors_cli
from dashboards import cli as dashboards_cli
from collectors.runner import collect as collect_all
from collectors.sources import SOURCES
from warehouse import cli as warehouse_cli
from warehouse import registry as registries
from warehouse import settings as defaults
from warehouse.answer import print_answer
from warehouse.build import build as build_warehouse
from warehouse.errors import BadInputError, DlpulseError
from warehouse.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_DEBUG = "--debug"


def _option(variable: str, help_text: str, **more: object) -> object:
    return typer.Option(envvar=variable, help=help_text, rich_help_panel="Settings", **more)


@app.callback()
def settings(
    ctx: typer.Context,
    home: Annotated[
        Path | None, _option("DLPULSE_HOME", "Where everything is kept. [default: the user data folder]")
    ] = None,
    raw: Annotated[Path | None, _option("DLPULSE_RAW", "The raw archive. [default: HOME/raw]")] = None,
    registry: Annotated[
        Path | None,
        _option("DLPULSE_REGISTRY", "Frameworks to use instead of the shipped ones and HOME/frameworks.toml."),
    ] = None,
    github_token: Annotated[
        str | None,
        _option(
            "GITHUB_TOKEN", "Any token: 5,000 GitHub calls an hour instead of 60. Set the variable, not the option."
        ),
    ] = None,
    contact: Annotated[str | None, _option("DLPULSE_CONTACT", "Your address, told to the sources.")] = None,
    github_api: Annotated[str, _option("DLPULSE_GITHUB_API", "GitHub's API.")] = defaults.GITHUB_API,
    arxiv_api: Annotated[str, _option("DLPULSE_ARXIV_API", "arXiv's query API.")] = defaults.ARXIV_API,
    arxiv_delay: Annotated[
        float, _option("DLPULSE_ARXIV_DELAY", "Seconds between arXiv requests.", min=0)
    ] = defaults.ARXIV_POLITE_SECONDS,
    timeout: Annotated[
        float, _option("DLPULSE_TIMEOUT", "Seconds to wait for an answer.", min=0.01)
    ] = Settings.timeout,
    retries: Annotated[int, _option("DLPULSE_RETRIES", "How often to ask again.", min=0)] = Settings.retries,
    backoff: Annotated[
        float, _option("DLPULSE_BACKOFF", "Seconds before the first retry; doubles.", min=0)
    ] = Settings.backoff,
    max_wait: Annotated[
        float, _option("DLPULSE_MAX_WAIT", "The longest that a source may make us wait, in seconds.", min=0)
    ] = Settings.max_wait,
    now: Annotated[
        str | None, _option("DLPULSE_NOW", "Pretend that it is this time (UTC); for tests.", hidden=True)
    ] = None,
    debug: Annotated[bool, typer.Option(_DEBUG, help="Show the traceback of an error.")] = False,  # noqa: ARG001
) -> None:
    """Popularity of deep-learning frameworks beside their speed on your own device.

    `dlpulse run` does everything once. See `dlpulse COMMAND --help`.
    """
    folder = (home or defaults.default_home()).expanduser().absolute()
    pretended = defaults.parse_instant(now) if now else None
    ctx.obj = Settings(
        home=folder,
        raw=_raw_folder(raw, folder),
        registry_file=registry,
        github_token=github_token or None,
        contact=contact,
        github_api=github_api.rstrip("/"),
        arxiv_api=arxiv_api,
        arxiv_delay=arxiv_delay,
        timeout=timeout,
        retries=retries,
        backoff=backoff,
        max_wait=max_wait,
        clock=(lambda: pretended) if pretended else defaults.utc_now,
    )


def _raw_folder(raw: Path | None, home: Path) -> Path:
    if raw and ":/" in str(raw):
        raise BadInputError(
            f"DLPULSE_RAW={raw} is not a folder: this version of dlpulse keeps the raw archive in a folder"
        )
    return (raw or home / "raw").expanduser().absolute()


app.add_typer(bench_cli.app, name="bench")
app.add_typer(warehouse_cli.raw_app, name="raw")
for command in (
    collectors_cli.collect,
    warehouse_cli.build,
    warehouse_cli.sql,
    warehouse_cli.status,
    dashboards_cli.dashboard,
):
    app.command()(command)


@app.command()
def run(
    ctx: typer.Context,
    serve: Annotated[bool, typer.Option(help="Serve the dashboard at the end.")] = True,
    bench: Annotated[bool, typer.Option(help="Benchmark this device when it has no result yet.")] = True,
    host: Annotated[str, typer.Option(help="Where the dashboard listens.")] = dashboards_cli.HOST,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where the dashboard listens.")] = dashboards_cli.PORT,
) -> None:
    """Do everything once: collect, benchmark this device, build, show the answer, serve the dashboard.

    What cannot be reached is named in one line and left for the next time.
    """
    settings: Settings = ctx.obj
    console = Console(stderr=True)
    frameworks = registries.load(settings)
    if not settings.database.exists():
        console.print("Publishing the cited figures first, so that there is something to see.")
        build_warehouse(settings, frameworks)
    console.rule("collect", align="left")
    outcomes = collect_all(settings, frameworks, list(SOURCES), console=console)
    console.rule("bench", align="left")
    bench_failed = bench and not bench_cli.run_if_new(settings, console)
    console.rule("build", align="left")
    built = build_warehouse(settings, frameworks)
    console.print(f"published {built.database} in {built.took_s:.1f} s")
    print_answer(settings.database, Console())
    failed = bench_failed or any(outcome.failed and outcome.reached for outcome in outcomes)
    if serve:
        sys.exit(dashboards_cli.serve(settings, host, port))
    sys.exit(int(failed))


def main() -> None:
    """Run the command; exit code 0 when fine, 1 when something failed, 2 for wrong usage."""
    try:
        app(standalone_mode=True)
    except DlpulseError as error:
        if _DEBUG in sys.argv:
            traceback.print_exc()
        print(f"dlpulse: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, BadInputError) else 1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


if __name__ == "__main__":
    main()
