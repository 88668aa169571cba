"""Answers damaged in every way that we could think of: no parser falls over one, and none of them makes a new fact.

The answers are what the collectors keep of the test world, the shortest and longest of each source and kind. Each is
damaged by each of the mutations below. A damaged answer either is rejected, in one line, or gives no row that the sound
one did not give.
"""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.conftest import environment
from tests.world.server import World
from warehouse.parse import TABLES, Rejected, rows_of
from warehouse.raw import Archive, Response

NOW = datetime(2026, 11, 20, 12)
SOURCES = ("stars", "ranking", "events", "papers", "surveys", "downloads", "questions", "releases")
# In JSON and CSV, and in Atom as an element's whole text: a number in an abstract is a word of its own.
NUMBER = re.compile(rb"(?<=[:,\[\s])-?\d+(?=[,\]}\s])")
ELEMENT = re.compile(rb"(?<=>)\d+(?=</)")
DAY = re.compile(rb"\d{4}-\d\d-\d\d")
TEXT = re.compile(rb'(?<=:)\s*"[^"]*"')
WRONG_NUMBERS = (b"-5", b"1e999", b"NaN", b"-Infinity", b"1.5", b"9" * 30, b"null", b"true", b'"x"', b"[1]", b"{}")
OUR_OWN = ("window-done:", "survey:", "missing")
WRONG_DAYS = (b"2999-01-01", b"2026-13-45", b"0000-00-00", b"yesterday")


def mutations(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield damaged forms of a body, each with what was done to it."""
    for tenth in range(10):
        yield f"cut at {tenth} tenths", body[: len(body) * tenth // 10]
    for place in range(1, 8):  # in the middle of names, numbers and brackets alike
        spot = len(body) * place // 8
        yield f"byte {place} of 8 is no UTF-8", body[:spot] + b"\xff" + body[spot + 1 :]
        yield f"byte {place} of 8 is a NUL", body[:spot] + b"\0" + body[spot + 1 :]
    text = body.decode(errors="replace")
    yield "in UTF-16", text.encode("utf-16")
    yield "packed", gzip.compress(body)
    yield "twice", body + body
    yield "another's answer after it", body + b'{"message":"Not Found"}'
    yield "a page", b"<!DOCTYPE html><html><body>Please sign in</body></html>"
    yield "deep", b"[" * 200_000
    yield "deep objects", b'{"a":' * 200_000
    yield "deep elements", b"<a>" * 200_000
    yield "entities", _entities(body)
    yield "an empty object", b"{}"
    yield "an empty list", b"[]"
    yield "a number", b"1"
    yield "null", b"null"
    number = ELEMENT if b"<feed" in body else NUMBER
    for what, pattern, wrong in (("number", number, WRONG_NUMBERS), ("day", DAY, WRONG_DAYS)):
        found = list(pattern.finditer(body))
        for name, match in (("first", found[:1]), ("middle", found[len(found) // 2 :][:1]), ("last", found[-1:])):
            for value in wrong if match else ():
                yield (
                    f"the {name} {what} is {value[:12].decode()}",
                    body[: match[0].start()] + value + body[match[0].end() :],
                )
    for match in list(TEXT.finditer(body))[:3]:
        for value in (b"7", b"null", b"{}", b'"' + b"x" * 100_000 + b'"'):
            yield f"a text is {value[:12].decode()}", body[: match.start()] + value + body[match.end() :]


def _entities(body: bytes) -> bytes:
    """A billion laughs: entities that grow tenfold nine times over."""
    declared = b'<!ENTITY l0 "ha">' + b"".join(
        b'<!ENTITY l%d "%s">' % (level, b"&l%d;" % (level - 1) * 10) for level in range(1, 10)
    )
    start = body.find(b"<feed")
    if start < 0:
        return b"<?xml version='1.0'?><!DOCTYPE x [%s]><x>&l9;</x>" % declared
    doctype = b"<!DOCTYPE feed [%s]>" % declared
    return body[:start] + doctype + body[start:].replace(b"<title>", b"<title>&l9;", 1)


@pytest.fixture(scope="module")
def answers(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Response]:
    home = tmp_path_factory.mktemp("mutations")
    with World(shared_data, NOW) as world:
        variables = {**world.variables(), "GITHUB_TOKEN": "world-token", "DLPULSE_NOW": NOW.isoformat()}
        command = [sys.executable, "-m", "dlpulse", "collect", "--framework", "keras", "--framework", "jax"]
        subprocess.run(command, env=environment(home, **variables), check=True, capture_output=True)
    kinds: dict[Any, list[Response]] = defaultdict(list)
    for response in Archive(home / "raw").responses():
        if _facts(response):
            named, colon, _ = response.subject.partition(":")
            kinds[response.source, response.params.get("kind") or (named if colon else "")].append(response)
    chosen = []
    for found in kinds.values():
        by_length = sorted(found, key=lambda response: len(response.body))
        chosen += {len(one.body): one for one in (by_length[0], by_length[-1])}.values()
    return chosen


def _facts(response: Response) -> set[str]:
    """The rows of an answer, as text; none when it is rejected. Anything else than a rejection comes through."""
    try:
        rows = rows_of(response)
    except Rejected as why:
        assert str(why).strip() and "\n" not in str(why), why
        return set()
    for table, values in rows:
        # How many lines were kept of a file: a line less is not to be seen.
        values.pop("repositories", None)
        pa.Table.from_pylist([values], TABLES[table])  # what the store could not take
    return {json.dumps([table, values], sort_keys=True, default=str) for table, values in rows}


def _tells_less(fact: str, sound: set[str]) -> bool:
    """Whether it is one of the sound facts but for values that are unknown now."""
    table, values = json.loads(fact)
    known = {name: value for name, value in values.items() if value is not None}
    return any(told == table and known.items() <= all_of.items() for told, all_of in map(json.loads, sound))


def test_no_damaged_answer_makes_a_fact_or_an_error_of_another_kind(answers: list[Response]) -> None:
    assert {response.source for response in answers} == set(SOURCES)
    tried, wrong = 0, []
    for response in answers:
        sound = _facts(response)
        for what, body in mutations(response.body):
            tried += 1
            damaged = replace(response, body=body)
            try:
                new = {fact for fact in _facts(damaged) - sound if not _tells_less(fact, sound)}
            except Exception as error:  # noqa: BLE001 - whatever it is, it is what this test looks for
                wrong.append(f"{response.source} {response.subject}, {what}: {type(error).__name__}: {error}"[:300])
                continue
            # What we wrote ourselves comes from nobody else, and its SHA-256 is checked: it need only not break a
            # build. Any text may be the name of a version.
            if new and not response.subject.startswith(OUR_OWN) and '"xxx' not in what:
                wrong.append(f"{response.source} {response.subject}, {what}: {sorted(new)[0]}"[:300])
    assert not wrong, f"{len(wrong)} of {tried}:\n" + "\n".join(wrong[:60])
    assert tried >= 500
