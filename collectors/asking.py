"""Asks a plain HTTP source: each answer archived before the next question, limits obeyed, faults named."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from collectors.base import Context, LimitReached, Outcome, Refused, Stopped
from collectors.bulk import InputFile
from collectors.waiting import come_back_at, is_limit
from collectors.wire import KEPT_BYTES, MOST_FILE_BYTES, BrokenOff, TooLarge, Turns, open_session, oversized, told
from warehouse.parse import Rejected, Row, rows_of
from warehouse.raw import Response, Run
from warehouse.settings import without_userinfo


@dataclass(frozen=True)
class Host:
    """A source's server: its name for people, its address, seconds between requests, and its "too fast" statuses."""

    name: str
    address: str
    delay: float = 0.0
    limits: Collection[int] = (429,)


@dataclass(frozen=True)
class Ask:
    """One question.

    `label` names it for people; `subject` and `params` are archived with the answer and must say what was asked;
    `query` is what is sent, secrets included. `expected` are the statuses that are answers, not faults. `keep` cuts an
    expected answer's body before it is archived, and returns params that say so.
    """

    label: str
    subject: str
    url: str
    params: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    expected: Collection[int] = (200,)
    keep: Callable[[bytes], tuple[bytes, Mapping[str, Any]]] = lambda body: (body, {})


class Asker:
    """One run's conversation with one host; counts its answers in `outcome.requests`."""

    def __init__(self, context: Context, run: Run, outcome: Outcome, host: Host) -> None:
        self._context, self._run, self._outcome = context, run, outcome
        self.host = host
        self._session = open_session(context, host.limits, host.delay)
        self._turns = Turns(context, host.name, host.address, host.delay)

    def get(self, ask: Ask) -> Response:
        """Ask (retries included) and return the archived answer.

        Raises:
            Refused: a status that is not expected, an answer that broke off or is too large: this question's alone.
            LimitReached: the source asks to wait longer than `Settings.max_wait`, or again after the retries.
            Unreachable, Stopped: the source ends here.
        """
        with self._turns.taken():
            try:
                with told(self._context, self.host.name, self.host.address):
                    answer = self._session.get(ask.url, params=ask.query, timeout=self._context.settings.timeout)
            except BrokenOff as error:
                raise Refused(str(error)) from None
            except TooLarge as error:
                self._refuse_large(ask, error)
        return self._take(ask, answer)

    def rows(self, ask: Ask) -> list[Row]:
        """Ask and read the answer; raises as `get`, and Refused when the parser rejects it."""
        response = self.get(ask)
        try:
            rows = rows_of(response)
        except Rejected as reason:
            raise Refused(f"{reason} (raw answer {response.response_id})") from None
        self._outcome.rows += len(rows)
        return rows

    def download(self, ask: Ask, folder: Path) -> InputFile:
        """Ask for a large file and keep it in `folder` (made when absent) for the caller to reduce and to delete.

        The file itself is not archived: the caller archives what it reads out of it, with `InputFile.params`. An
        answer that is not expected is archived. Raises as `get`, and Refused beyond MOST_FILE_BYTES.
        """
        with self._turns.taken():
            try:
                with told(self._context, self.host.name, self.host.address):
                    answer = self._session.get(
                        ask.url, params=ask.query, timeout=self._context.settings.timeout, stream=True
                    )
                    if answer.status_code in ask.expected:
                        self._outcome.requests += 1
                        return self._save(ask, answer, folder)
                    body = next(answer.iter_content(KEPT_BYTES), b"")
            except BrokenOff as error:
                raise Refused(str(error)) from None
        answer._content = body  # the head of a refusal is all that is wanted of it
        self._take(ask, answer)
        raise Refused(f"{self.host.name} gave no file")

    def _save(self, ask: Ask, answer: requests.Response, folder: Path) -> InputFile:
        folder.mkdir(parents=True, exist_ok=True)
        _drop_old(folder)
        path = folder / f"{os.getpid()}-{hashlib.sha256(ask.url.encode()).hexdigest()[:16]}"
        try:
            self._pour(answer, path)
        except BaseException:
            path.unlink(missing_ok=True)
            answer.close()
            raise
        return InputFile.of(path, _address(ask.url))

    def _pour(self, answer: requests.Response, path: Path) -> None:
        progress, told_length = self._context.progress, answer.headers.get("Content-Length", "")
        task = progress.add_task("  MiB", total=int(told_length) // 2**20 if told_length.isdecimal() else None)
        try:
            with path.open("wb") as file:
                for chunk in answer.iter_content(2**20):
                    file.write(chunk)
                    progress.update(task, completed=file.tell() // 2**20)
                    if self._context.stop.is_set():
                        raise Stopped("stopped")
                    if file.tell() > MOST_FILE_BYTES:
                        raise Refused(f"the file is larger than {MOST_FILE_BYTES // 2**30} GiB")
        finally:
            progress.update(task, visible=False)

    def _take(self, ask: Ask, answer: requests.Response) -> Response:
        self._outcome.requests += 1
        status = answer.status_code
        response = self._archive(ask, status, answer.content, {}, answer.headers.get("ETag"))
        if status in ask.expected:
            return response
        if is_limit(status, answer.headers, self._context.settings.clock()):
            when = come_back_at(status, answer.headers, self._context.settings)
            raise LimitReached(f"{self.host.name}'s limit is reached", when)
        raise Refused(f"{self.host.name} answered with status {status} (raw answer {response.response_id})", status)

    def _refuse_large(self, ask: Ask, error: TooLarge) -> None:
        status = error.response.status_code if error.response is not None else 0
        self._outcome.requests += 1
        response = self._archive(ask, status, error.head, oversized(status), None)
        raise Refused(f"the answer is {error} (its head is raw answer {response.response_id})")

    def _archive(self, ask: Ask, status: int, body: bytes, more: Mapping[str, Any], etag: str | None) -> Response:
        kept, cut = ask.keep(body) if status in ask.expected else (body, {})
        params = {**ask.params, **(more or cut)}
        return self._run.write(ask.subject, kept, url=_address(ask.url), params=params, status=status, etag=etag)


def _drop_old(folder: Path) -> None:
    """Remove what killed processes left behind; a download of more than a day is none that still goes on."""
    for path in folder.iterdir():
        if path.is_file() and path.stat().st_mtime < time.time() - 86_400:
            path.unlink(missing_ok=True)


def _address(url: str) -> str:
    """Return what of an address is archived: no password, and no query, in which keys and signatures stand."""
    return without_userinfo(url).partition("?")[0]
