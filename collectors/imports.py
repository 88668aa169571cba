"""`dlpulse import`: reads files that someone downloaded, or their addresses, and archives what is read out of them."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, cast

from collectors.asking import Ask, Asker, Host
from collectors.base import Busy, Context, Outcome, Refused, Stopped, alone, recording
from collectors.bulk import InputFile
from warehouse.errors import BadInputError, DlpulseError
from warehouse.raw import Run
from warehouse.settings import check_address, without_userinfo

# What can be imported: the source whose facts the files give, and the module that reads them.
KINDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "arxiv-snapshot": ("papers", "snapshot"),
        "gharchive": ("events", "gharchive"),
        "survey": ("surveys", "surveyfiles"),
    }
)


class Reader(Protocol):
    """The module of one kind."""

    def rules(self, context: Context) -> str:
        """Return what the reduction depends on beside the file; a file is read again when it changed."""

    def read(self, context: Context, run: Run, outcome: Outcome, file: InputFile) -> None:
        """Reduce the file and archive the result by `run.write`, with `file.params` and `rules` in its params.

        Adds to `outcome.rows` and `outcome.new`. Raises BadInputError for a file that is not of this kind.
        """


def import_files(context: Context, kind: str, names: Sequence[str]) -> Outcome:
    """Read each file or address once: one read before with the same rules is passed over; a bad one stops no other."""
    source, module = KINDS[kind]
    reader = cast(Reader, importlib.import_module(f"collectors.{module}"))
    with _alone(context, source), recording(context, source, imported=_shown(names)) as (run, outcome):
        outcome.left = ""
        rules = reader.rules(context)
        known = _imported(context, source)
        task = context.progress.add_task(kind, total=len(names))
        for name in names:
            if context.stop.is_set():
                raise Stopped("stopped")
            try:
                with _at_hand(context, run, outcome, kind, name) as file:
                    key = (file.name, file.sha256, rules)
                    if key in known:
                        outcome.noticed.append(f"{file.name}: was imported before")
                    else:
                        reader.read(context, run, outcome, file)
                        known.add(key)
            except (BadInputError, Refused) as error:
                line = str(error)
                outcome.failed.append(line if isinstance(error, BadInputError) else f"{_shown([name])[0]}: {line}")
            context.progress.advance(task)
    return outcome


def _imported(context: Context, source: str) -> set[tuple[str, str, str]]:
    """Return (name, sha256, rules) of the files that are archived to their end; a name may say what hour it is."""
    return {
        (answer.params["file"], answer.params["sha256"], answer.params["rules"])
        for answer in context.archive.responses(source)
        if answer.params.get("last") and "rules" in answer.params
    }


@contextmanager
def _at_hand(context: Context, run: Run, outcome: Outcome, kind: str, name: str) -> Iterator[InputFile]:
    if "://" not in name:
        yield InputFile.of(Path(name), stop=context.stop.is_set)
        return
    check_address("the address", name)
    asker = Asker(context, run, outcome, Host("the server", name))
    folder = context.settings.home / "downloads"
    file = asker.download(Ask(name, f"import:{kind}", name), folder)
    try:
        yield file
    finally:
        file.path.unlink(missing_ok=True)


@contextmanager
def _alone(context: Context, source: str) -> Iterator[None]:
    try:
        with alone(context.settings, source):
            yield
    except Busy as busy:
        raise DlpulseError(f"{busy}; import when it is done") from None


def _shown(names: Sequence[str]) -> list[str]:
    """File names and addresses as they may be archived: no folders of this machine, no passwords, no signatures."""
    return [without_userinfo(name).partition("?")[0] if "://" in name else Path(name).name for name in names]
