"""Spoils a good answer as a fault orders, in the way the source itself would go wrong."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace

from tests.world.faults import Fault
from tests.world.reply import Reply

PAGE = b"<!DOCTYPE html><html><head><title>Sign in to the network</title></head><body>Please sign in</body></html>"
# Spoiled after the part has answered; the other kinds take its place.
LATE = ("slow", "truncated", "empty", "wrong-total", "invalid-utf8", "duplicate-week", "exception", "clock")
MEMORY = b"Code: 241. DB::Exception: Memory limit exceeded: would use 9.31 GiB. (MEMORY_LIMIT_EXCEEDED)\n"
_TOTAL = re.compile(rb"(?<=<opensearch:totalResults>)\d+")
_OF_ROWS = re.compile(rb'(?<="of_rows":)("?)(\d+)')
_ENTRIES = re.compile(rb"<entry>.*</entry>", re.DOTALL)


def spoiled(fault: Fault, source: str, reply: Reply) -> Reply:
    """Return what becomes of the answer of the source below `/source`."""
    if fault.kind == "truncated":
        return replace(reply, body=reply.body[: len(reply.body) // 2])
    # What is wrong with the text is wrong inside its compression.
    packed = reply.body[:2] == b"\x1f\x8b"
    body = _spoiled(fault, source, gzip.decompress(reply.body) if packed else reply.body)
    return replace(reply, body=gzip.compress(body, 1, mtime=0) if packed else body)


def _spoiled(fault: Fault, source: str, body: bytes) -> bytes:
    if fault.kind == "empty":
        return _empty(source, body)
    if fault.kind == "invalid-utf8":
        return body[: len(body) // 2] + b"\xff\xfe" + body[len(body) // 2 :]
    if fault.kind == "exception":
        lines = body.splitlines(keepends=True)
        return b"".join(lines[: len(lines) // 2]) + MEMORY
    if fault.kind == "wrong-total":
        return _wrong_total(body, fault.amount)
    return body


def _empty(source: str, body: bytes) -> bytes:
    if source == "arxiv":
        return _ENTRIES.sub(b"", body)
    content = {"github": b"[]", "pypistats": b'{"data":[]}', "stackexchange": b'{"items":[],"has_more":false}'}
    return content.get(source, b"")


def _wrong_total(body: bytes, amount: int) -> bytes:
    if body.startswith(b'[{"week":'):
        weeks = json.loads(body)
        weeks[0]["total"] += amount
        return json.dumps(weeks, separators=(",", ":")).encode()
    body = _TOTAL.sub(lambda found: b"%d" % (int(found[0]) + amount), body)
    return _OF_ROWS.sub(lambda found: found[1] + b"%d" % (int(found[2]) + amount), body)
