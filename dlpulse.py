"""The `dlpulse` command: joins the sub-apps. The one place where errors become text and exit codes."""

from __future__ import annotations

import dataclasses
import errno
import importlib.metadata
import inspect
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, NoReturn, get_type_hints
from urllib.parse import urlsplit

import typer

from cron.alarm import hidden
from dashboards.cli import HOST, PORT
from warehouse import journal, lazy, outputs, usage
from warehouse import settings as defaults
from warehouse.errors import BadInputError, DlpulseError
from warehouse.settings import Settings

# Where each command's function, or group of commands, stands.
_COMMANDS = {
    "collect": "collectors.cli:collect",
    "import": "collectors.cli:import_files",
    "build": "warehouse.cli:build",
    "sql": "warehouse.sql_cli:sql_app",
    "status": "warehouse.status_cli:status",
    "export": "warehouse.cli:export",
    "claims": "warehouse.claims_cli:claims",
    "criteria": "warehouse.criteria_cli:criteria",
    "dashboard": "dashboards.cli:dashboard",
    "report": "dashboards.cli:report",
    "bench": "bench.cli:app",
    "raw": "warehouse.raw_cli:app",
    "cron": "cron.cli:app",
}


app = typer.Typer(
    cls=lazy.group(_COMMANDS),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_DEBUG = "--debug"
STOPPED = 130
# A full disk or quota, a failing device, a closed or broken pipe: what standard output may answer to a write.
_OUTPUT_FAULTS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF, errno.EPIPE}
# What the help has room for, of 80 columns.
LONGEST_DEFAULT = 34


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"dlpulse {importlib.metadata.version('dlpulse')}")
        raise typer.Exit


def settings(
    ctx: typer.Context,
    version: Annotated[  # noqa: ARG001
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
    now: Annotated[
        str | None, typer.Option(envvar="DLPULSE_NOW", hidden=True, help="Pretend this time; for tests.")
    ] = None,
    debug: Annotated[bool, typer.Option(_DEBUG, help="Show the traceback of an error.")] = False,
    **values: Any,
) -> None:
    """Popularity of deep-learning frameworks beside their speed on your own device.

    `dlpulse run` does everything once. See `dlpulse COMMAND --help`.
    """
    if debug:
        logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
        for package in ("bench", "collectors", "dashboards", "warehouse"):
            logging.getLogger(package).setLevel(logging.DEBUG)
        # urllib3 tells of retries with the whole address, in which keys and passwords stand.
        logging.getLogger("urllib3").setLevel(logging.ERROR)
    home = _absolute("DLPULSE_HOME", values.pop("home") or defaults.default_home())
    raw = _raw_folder(values.pop("raw"), home)
    pretended = defaults.parse_instant(now) if now else None
    clock = (lambda: pretended) if pretended else defaults.utc_now
    given = {name: value for name, value in values.items() if value not in (None, "")}
    _check_least(given)
    ctx.obj = Settings(home=home, raw=raw, clock=clock, **given)
    journal.keep(ctx.obj, ctx.invoked_subcommand or "", hidden(os.environ))


def _options() -> Iterator[inspect.Parameter]:
    """Yield an option for every field of Settings that describes one; fields without a default are worked out later."""
    types = get_type_hints(Settings)
    for one in dataclasses.fields(Settings):
        if one.metadata:
            flag = one.metadata.get("option", "--" + one.name.replace("_", "-"))
            option = typer.Option(
                flag,
                envvar=one.metadata["variable"],
                help=one.metadata["help"],
                metavar=_metavar(one),
                show_default=_shown(one.default),
                rich_help_panel="Settings",
            )
            absent = one.default is dataclasses.MISSING
            kind = types[one.name] | None if absent else types[one.name]
            default = None if absent else one.default
            yield inspect.Parameter(
                one.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, option]
            )


def _check_least(given: dict[str, Any]) -> None:
    """Raise BadInputError for a number below its least. As ranges of typer's, they would take the help's columns."""
    for one in dataclasses.fields(Settings):
        least = one.metadata.get("least")
        if least is not None and given.get(one.name, least) < least:
            raise BadInputError(
                f"{one.metadata['variable']}={given[one.name]:g} is too little: expected {least:g} or more"
            )


def _metavar(setting: dataclasses.Field[Any]) -> str:
    """Return a short word for the value, so that nothing of the help is cut at 80 columns."""
    if isinstance(setting.default, int | float):
        return "NUMBER"
    last = setting.name.rpartition("_")[2].upper()
    words = {"API": "URL", "BASE": "URL", "HOME": "FOLDER", "RAW": "FOLDER", "CONTACT": "TEXT"}
    return words.get(last, last)


def _shown(default: Any) -> bool | str:
    """Return how a default is shown in the help: of an address too long for a line, the host."""
    is_long = isinstance(default, str) and len(default) > LONGEST_DEFAULT
    return urlsplit(default).netloc if is_long else True


def _with_options(function: Callable[..., None]) -> Callable[..., None]:
    """Give a callback that takes `**values` one option for each setting."""
    signature = inspect.signature(function, eval_str=True)
    own = [one for one in signature.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    function.__signature__ = signature.replace(parameters=[*own, *_options()])  # type: ignore[attr-defined]
    return function


app.callback()(_with_options(settings))


def _raw_folder(raw: Path | None, home: Path) -> Path:
    if raw and ":/" in str(raw):
        raise BadInputError(
            f"DLPULSE_RAW={raw} is not a folder: this version of dlpulse keeps the raw archive in a folder"
        )
    return _absolute("DLPULSE_RAW", raw or home / "raw")


def _absolute(variable: str, folder: Path) -> Path:
    try:
        return folder.expanduser().absolute()
    except FileNotFoundError:
        raise BadInputError(f"{variable}={folder}: the folder that you are in was removed; go to another") from None
    except RuntimeError:  # ~nobody
        raise BadInputError(f"{variable}={folder}: there is no such user") from None


@app.command()
def run(
    ctx: typer.Context,
    serve: Annotated[bool, typer.Option(help="Serve the dashboard at the end.")] = True,
    bench: Annotated[bool, typer.Option(help="Benchmark this device when it has no result yet.")] = True,
    host: Annotated[str, typer.Option(help="Where the dashboard listens.")] = HOST,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where the dashboard listens.")] = PORT,
) -> None:
    """Do everything once: collect, benchmark this device, build, show the answer, serve the dashboard.

    What cannot be reached is named in one line and left for the next time.
    """
    from rich.console import Console

    from bench.cli import run_if_new
    from dashboards.cli import serve as serve_dashboard
    from warehouse import registry
    from warehouse.answer import print_answer
    from warehouse.build import build as build_warehouse

    settings: Settings = ctx.obj
    console = Console(stderr=True)
    frameworks = registry.load(settings)
    _check_or_publish(settings, frameworks, console)
    console.rule("collect", align="left")
    outcomes = _collected(settings, frameworks, console)
    console.rule("bench", align="left")
    bench_failed = bench and not run_if_new(settings, console)
    console.rule("build", align="left")
    built = build_warehouse(settings, frameworks)
    console.print(f"published {built.database} in {built.took_s:.1f} s")
    print_answer(settings.database, Console())
    failed = bench_failed or any(outcome.failed and outcome.reached for outcome in outcomes)
    if serve:
        sys.exit(serve_dashboard(settings, host, port))
    sys.exit(int(failed))


def _check_or_publish(settings: Settings, frameworks: Any, console: Any) -> None:
    from warehouse.build import build as build_warehouse

    if settings.database.exists():
        settings.check_raw()  # before hours of collecting into the wrong folder
    else:
        console.print("Publishing the cited figures first, so that there is something to see.")
        build_warehouse(settings, frameworks)


def _collected(settings: Settings, frameworks: Any, console: Any) -> Any:
    """Ask all sources; return what came of each. Raises KeyboardInterrupt when it was stopped."""
    from collectors.runner import collect
    from collectors.sources import SOURCES

    outcomes = collect(settings, frameworks, list(SOURCES), console=console)
    if any(outcome.stopped for outcome in outcomes):
        raise KeyboardInterrupt
    return outcomes


def main() -> None:
    """Run the command; exit code 0 when fine, 1 when something failed, 2 for wrong usage."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stops as cleanly as Ctrl-C does
    copies = outputs.opened()
    try:
        _run()
    except DlpulseError as error:
        if _DEBUG in sys.argv:
            traceback.print_exc()
        _fail(str(error), 2 if isinstance(error, BadInputError) else 1)
    except UnicodeEncodeError as error:
        if error.encoding.lower().startswith("utf"):
            raise
        _fail(f"cannot write the result: it has characters that {error.encoding} lacks; PYTHONIOENCODING=utf-8 helps")
    except OSError as error:
        if error.filename or error.errno not in _OUTPUT_FAULTS:
            raise
        unread = outputs.unread(copies)
        outputs.drop(1, *unread)
        if isinstance(error, BrokenPipeError) and unread:
            sys.exit(0)
        _fail(f"cannot write the result: {error.strerror}")


def _run() -> None:
    try:
        code = app(standalone_mode=False, prog_name="dlpulse")
    except usage.UsageError as error:
        code = _wrong_usage(error)
    except RuntimeError as error:  # Ctrl-C inside of a DuckDB query is no KeyboardInterrupt
        if str(error) != "Query interrupted":
            raise
        code = STOPPED
    except SystemExit as ended:
        if isinstance(ended.__context__, BrokenPipeError):  # typer and rich take it for a failure
            raise ended.__context__ from None
        code = ended.code
    if code == STOPPED:
        _stopped()
    try:
        sys.stdout.flush()  # while a full disk is still an error with a line of its own
    except BrokenPipeError:
        if not code:
            raise
        outputs.drop(1)  # what the command found stands, also where nobody reads it to the end
    sys.exit(code)


def _wrong_usage(error: Any) -> int:
    if type(error).__name__ == usage.NO_ARGUMENTS:  # the help, which rich has printed
        print(error.message, end="")
    else:
        _say(usage.line(error, typer.main.get_command(app), sys.argv[1:]))
    return 2


def _stopped() -> None:
    _say("dlpulse: stopped; what was done before is kept")


def _fail(message: str, code: int = 1) -> NoReturn:
    _say(f"dlpulse: {message}")
    sys.exit(code)


def _say(line: str) -> None:
    try:
        print(outputs.visible(line), file=sys.stderr, flush=True)
    except BrokenPipeError:  # nobody reads it; the exit code stands
        outputs.drop(2)


if __name__ == "__main__":
    main()
