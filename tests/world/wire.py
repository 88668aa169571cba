"""The HTTP server below the world: routes by prefix, lets faults befall answers, takes orders at /_world."""

from __future__ import annotations

import json
import socket
import struct
import sys
import time
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlsplit

from tests.world.faults import Fault
from tests.world.refusals import refusal
from tests.world.reply import Reply, Request
from tests.world.spoil import LATE, PAGE, spoiled

if TYPE_CHECKING:
    from tests.world.server import World

MOST_SENT = 200_000_000
_MOVED = "/moved"


class Server(ThreadingHTTPServer):
    """Serves one world on 127.0.0.1, a thread for each connection."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, world: World, port: int) -> None:
        self.world = world
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up on a slow answer is what was ordered; anything else is told as usual."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server
    # Two small writes an answer: without this, each waits for the other side's delayed acknowledgement.
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        if self.path.startswith("/_world"):
            self._control_get()
        else:
            self._answer(self.path)

    def do_POST(self) -> None:
        """Take an order, or a query: what a body asks is remembered as if GET had asked it with `query=`."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.startswith("/_world"):
            self._control_post(json.loads(body))
        else:
            separator = "&" if "?" in self.path else "?"
            self._answer(f"{self.path}{separator}query={quote(body)}" if body else self.path)

    def finish(self) -> None:
        self.server.world.ledger.forget(self.connection)
        super().finish()

    def _answer(self, target: str) -> None:
        world = self.server.world
        world.ledger.note(target, self.headers.get("User-Agent", ""), self.connection)
        fault = world.faults.take(target)
        if fault is not None and fault.kind == "301" and target.startswith(_MOVED + "/"):
            fault = None
        target = target.removeprefix(_MOVED) if target.startswith(_MOVED + "/") else target
        if fault is None:
            self._send(self._reply(target))
        elif fault.kind == "huge":
            self._flood(self._reply(target))
        elif fault.kind in ("broken-off", "reset"):
            self._break(fault, target)
        elif fault.kind in LATE:
            self._send(self._late(fault, target))
        else:
            self._send(self._instead(fault, target))

    def _reply(self, target: str) -> Reply:
        parts = urlsplit(target)
        _, source, *rest = parts.path.split("/", 2)
        request = Request("/" + "".join(rest), dict(parse_qsl(parts.query)), dict(self.headers))
        return self.server.world.reply(source, request)

    def _late(self, fault: Fault, target: str) -> Reply:
        world = self.server.world
        if fault.kind == "slow":
            time.sleep(fault.seconds)
        if fault.kind == "clock":
            world.at(world.now + timedelta(seconds=fault.seconds))
        if fault.kind == "duplicate-week":
            target += "&_doubled=yes" if "?" in target else "?_doubled=yes"
        return spoiled(fault, _source(target), self._reply(target))

    def _instead(self, fault: Fault, target: str) -> Reply:
        if fault.kind == "html":
            return Reply(200, PAGE, {"Content-Type": "text/html"})
        if fault.kind == "304":
            return Reply(304, b"")
        if fault.kind == "301":
            return Reply(301, b"Moved Permanently", {"Location": self.server.world.address + _MOVED + target})
        reply = refusal(_source(target), fault.kind, self.server.world.now)
        reply.headers |= {"Retry-After": fault.retry_after} if fault.retry_after else {}
        return reply

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 304:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def _break(self, fault: Fault, target: str) -> None:
        """Send half of what was promised, or nothing, and drop the connection."""
        if fault.kind == "broken-off":
            reply = self._reply(target)
            self.send_response(reply.status)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body[: len(reply.body) // 2])
            self.wfile.flush()
        else:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def _flood(self, reply: Reply) -> None:
        """Send the answer again and again, without a length."""
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        body = reply.body or b" "
        chunk = body * (65_536 // len(body) + 1)
        for _ in range(MOST_SENT // len(chunk) + 1):
            self.wfile.write(chunk)
        self.close_connection = True

    def _control_get(self) -> None:
        world = self.server.world
        content = {
            "/_world/requests": world.requests,
            "/_world/agents": sorted(world.agents),
            "/_world/faults": world.faults.listing(),
        }
        found = world.truth() if self.path == "/_world/truth" else content.get(self.path)
        self._send(Reply(404 if found is None else 200, json.dumps(found).encode()))

    def _control_post(self, order: dict[str, Any]) -> None:
        """POST /_world/faults with the fields of Fault, or {} to clear them all; /_world/at with {"now": "…"}."""
        world = self.server.world
        if self.path == "/_world/at":
            world.at(datetime.fromisoformat(order["now"]))
        elif order:
            world.faults.order(Fault(**order))
        else:
            world.faults.clear()
        self._send(Reply(200, b"{}"))

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent; `World.requests` remembers."""


def _source(target: str) -> str:
    return urlsplit(target).path.split("/")[1]
