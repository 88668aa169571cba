"""Tells somebody how a scheduled run ended: a ping to an address, a command of the user's. Neither changes the run."""

from __future__ import annotations

import http.client
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from warehouse.errors import BadInputError
from warehouse.settings import check_address

PING, ON_FAILURE = "DLPULSE_PING_URL", "DLPULSE_ON_FAILURE"
JOB = "{job}"
"""What in the ping's address is replaced by the command's name: collect, build, status."""
BODY_BYTES = 10_000
LEAST_SECRET = 8
_TRIES, _TIMEOUT_S, _COMMAND_S = 3, 10.0, 60.0
Log = Callable[[str], None]


def tell(job: str, code: int, output: str, log: Log, variables: Mapping[str, str], wait_s: float = 1.0) -> None:
    """Ping `$DLPULSE_PING_URL` after a run, and run `$DLPULSE_ON_FAILURE` after one that failed.

    healthchecks.io's convention (https://healthchecks.io/docs/http_api/): the address itself on success, with /fail
    after it otherwise; the end of the output is the request's body. JOB in the address gives each command a watcher of
    its own. The address is a secret: the log names its host.
    """
    if address := variables.get(PING):
        _ping(address.replace(JOB, job.partition(" ")[0]), code, output, log, wait_s)
    if code and (command := variables.get(ON_FAILURE)):
        _run(command, job, code, output, log)


def hidden(variables: Mapping[str, str]) -> list[str]:
    """Return what of an environment no journal may show: the ping's address, and its path, which is its secret."""
    address = variables.get(PING, "")
    try:
        path = urlsplit(address).path.strip("/") if "//" in address else address
    except ValueError:  # no address at all
        path = ""
    told = [one.replace(JOB, name) for one in (address, path) for name in ("collect", "build", "status") if JOB in one]
    # A short piece is no secret, and to hide it everywhere would make the journal unreadable.
    pieces = [piece.strip("/") for piece in path.split(JOB) if len(piece) >= LEAST_SECRET]
    return [one for one in dict.fromkeys((address, path, *told, *pieces)) if one]


def _ping(address: str, code: int, output: str, log: Log, wait_s: float) -> None:
    try:
        check_address(PING, address)
    except BadInputError:
        log(f"{PING} is not an http(s) address with a host: nobody was told")
        return
    parts = urlsplit(address)
    aim = parts._replace(path=parts.path.rstrip("/") + ("/fail" if code else "")).geturl()
    why = ""
    for number in range(_TRIES):
        try:
            request = urllib.request.Request(aim, data=output.encode()[-BODY_BYTES:], method="POST")
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S):
                return
        except urllib.error.HTTPError as error:
            why = f"status {error.code}"
        except urllib.error.URLError as error:
            why = str(error.reason)
        except (OSError, ValueError, http.client.HTTPException) as error:
            why = type(error).__name__  # its words may hold parts of the address
        if number < _TRIES - 1:
            time.sleep(wait_s * 2**number)
    log(f"{PING}: {parts.hostname} did not take it: {why}")


def _run(command: str, job: str, code: int, output: str, log: Log) -> None:
    """Run the user's command with the output on its standard input; DLPULSE_JOB and DLPULSE_EXIT say of what."""
    try:
        done = subprocess.run(
            ["sh", "-c", command],
            input=output,
            env={**os.environ, "DLPULSE_JOB": job, "DLPULSE_EXIT": str(code)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_COMMAND_S,
            text=True,
            errors="replace",
            check=False,
        )
    except subprocess.TimeoutExpired:
        log(f"{ON_FAILURE} was ended after {_COMMAND_S:g} s")
        return
    if done.returncode:
        log(f"{ON_FAILURE} ended with {done.returncode}: {done.stdout.strip()}")
