"""GH Archive's hour files, generated: both shapes of events, other events between, a broken line now and then.

A day's star events (`tests.world.events`) are spread over its 24 hours. Before 2015 the moment carries an offset, our
choice; it lies in the file's hour (UTC) all the same.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from tests.world.events import archived
from tests.world.github import GitHub
from tests.world.refusals import storage
from tests.world.reply import Reply, Request
from tests.world.repos import Repo

FIRST = datetime(2011, 2, 12)
NEW_SHAPE = datetime(2015, 1, 1)
_FILE = re.compile(r"/(\d{4}-\d\d-\d\d)-(\d|1\d|2[0-3])\.json\.gz")
OTHERS = ("PushEvent", "ForkEvent", "IssuesEvent")


class GHArchive:
    """Hour files from 2011-02-12 to the hour before `now` (UTC without zone)."""

    def __init__(self, now: datetime, github: GitHub) -> None:
        self.now, self.github = now, github
        self._files: dict[datetime, bytes] = {}

    def at(self, now: datetime) -> None:
        """Move the clock."""
        self.now = now

    def reply(self, request: Request) -> Reply:
        """Answer GET."""
        match = _FILE.fullmatch(request.path)
        hour = datetime.fromisoformat(match[1]) + timedelta(hours=int(match[2])) if match else datetime.min
        if not FIRST <= hour <= self.now - timedelta(hours=1):
            return storage(404)
        if hour not in self._files:
            self._files[hour] = gzip.compress("".join(self._lines(hour)).encode(), 6, mtime=0)
        return Reply(200, self._files[hour], {"Content-Type": "application/gzip"})

    def truth(self, hour: datetime) -> Counter[str]:
        """Return how many star events of each of the world's repositories an hour's file holds, by the name then."""
        counted = {repo.name_on(hour.date()): self._stars(repo, hour) for repo in self.github.repos}
        return Counter({name: stars for name, stars in counted.items() if stars})

    def _stars(self, repo: Repo, hour: datetime) -> int:
        whole = archived(repo, hour.date())
        return whole * (hour.hour + 1) // 24 - whole * hour.hour // 24

    def _lines(self, hour: datetime) -> Iterator[str]:
        chance = random.Random(f"events of {hour}")
        stars = list(self.truth(hour).elements())
        events = [("WatchEvent", name) for name in stars]
        events += [("WatchEvent", f"someone-{n}/keras") for n in range(3)]
        events += [(chance.choice(OTHERS), name) for name in ("keras-team/keras", "else/where", *stars[:5])]
        chance.shuffle(events)
        shape = _new_event if hour >= NEW_SHAPE else _old_event
        for number, (kind, name) in enumerate(events):
            line = json.dumps(shape(number, kind, name, hour), ensure_ascii=number % 2 == 0)
            yield f"{line}\n"
            if number % 40 == 7:
                yield f"{line[: len(line) // 3]}\n"


def _payload(kind: str) -> dict[str, Any]:
    if kind == "PushEvent":
        return {"size": 1, "commits": [{"message": 'Say "type":"WatchEvent" \\ gr\u00fc\u00dfe \N{ROCKET}\n'}]}
    return {"action": "started" if kind == "WatchEvent" else "opened"}


def _new_event(number: int, kind: str, name: str, hour: datetime) -> dict[str, Any]:
    return {
        "id": f"{hour:%Y%m%d%H}{number:05d}",
        "type": kind,
        "actor": {"id": number, "login": f"generated-{number}", "url": f"https://api.github.com/users/g-{number}"},
        "repo": {"id": 1, "name": name, "url": f"https://api.github.com/repos/{name}"},
        "payload": _payload(kind),
        "public": True,
        "created_at": f"{hour:%Y-%m-%dT%H}:{number // 60 % 60:02d}:{number % 60:02d}Z",
    }


def _old_event(number: int, kind: str, name: str, hour: datetime) -> dict[str, Any]:
    owner, _, repo = name.partition("/")
    local = hour - timedelta(hours=8) + timedelta(seconds=number % 3_600)
    return {
        "created_at": f"{local:%Y-%m-%dT%H:%M:%S}-08:00",
        "payload": _payload(kind),
        "public": True,
        "type": kind,
        "url": f"https://github.com/{name}",
        "actor": f"generated-{number}",
        "actor_attributes": {"login": f"generated-{number}", "type": "User", "name": 'Gr\u00fcn "G" Person'},
        "repository": {"id": 1, "name": repo, "url": f"https://github.com/{name}", "owner": owner, "watchers": 5},
    }


def hours(day: date) -> list[datetime]:
    """Return the hours of a day."""
    return [datetime.combine(day, datetime.min.time()) + timedelta(hours=hour) for hour in range(24)]
