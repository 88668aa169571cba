"""Archives answers of the sources in their form, as the collectors do."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from warehouse.raw import Archive
from warehouse.settings import Settings

NOW = datetime(2026, 11, 20, 12)
CREATED = date(2020, 1, 2)


class Sources:
    """Archives answers as the collectors do, each a minute after the one before."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.now = settings, NOW

    def answer(self, source: str, subject: str, body: Any, status: int | None = 200, **params: Any) -> str:
        """Archive one answer in a run of its own; return its response_id."""
        self.now += timedelta(minutes=1)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        with Archive(self.settings.raw).start(source, lambda: self.now) as run:
            return run.write(subject, content, url="https://x/", params=params, status=status).response_id

    def record(self, repo: str, stars: int, full_name: str = "", created: date = CREATED, **more: Any) -> str:
        """The repository's record."""
        answer = {"id": len(repo), "full_name": full_name or repo, "stargazers_count": stars, "archived": False}
        answer |= {"created_at": f"{created}T05:00:00Z", "pushed_at": None}
        counts = dict.fromkeys(("forks_count", "open_issues_count", "subscribers_count"), 1)
        return self.answer("stars", repo, answer | counts | more, kind="repo")

    def week(self, repo: str, week: date, days: list[int]) -> str:
        """A page of star history with one week, Sunday first."""
        label = (week - date(1970, 1, 1)).days * 86_400
        page = [{"week": label, "total": sum(days), "days": days}]
        return self.answer("stars", repo, page, kind="history", page=1)

    def events(self, names: list[str], first: date, last: date, stars: Iterable[tuple[str, date, int]] = ()) -> str:
        """ClickHouse's answer for a window; names without events have no line."""
        rows = [("", first, 0), *stars]
        lines = [
            {"repo_name": name, "day": str(day), "stars": str(number), "of_rows": str(len(rows))}
            for name, day, number in rows
        ]
        params = {"names": names, "from": str(first), "until": str(last + timedelta(1))}
        body = "\n".join(map(json.dumps, lines)).encode()
        return self.answer("events", f"events:{first}..{last}", body, kind="clickhouse", **params)

    def clickhouse(self, package: str, first: date, until: date, downloads: dict[date, int]) -> str:
        """ClickHouse's answer for a package's days, mirrors included."""
        rows = [("", first, 0), *((package, day, number) for day, number in downloads.items())]
        lines = [
            {"project": name, "day": str(day), "downloads": number, "of_rows": len(rows)} for name, day, number in rows
        ]
        body = "\n".join(map(json.dumps, lines)).encode()
        window = {"from": str(first), "until": str(until)}
        return self.answer("downloads", package, body, kind="clickhouse", package=package, **window)

    def conda(self, month: str, package: str, anaconda: int, conda_forge: int) -> str:
        """What the collector keeps of a month's file."""
        channels = {package: {"anaconda": anaconda, "conda-forge": conda_forge}}
        params = {"kind": "conda", "month": month, "packages": [package], "last": True}
        return self.answer("downloads", f"month:{month}", channels, None, **params)

    def hours(self, day: date, hours: Iterable[int], names: list[str], stars: dict[str, int]) -> None:
        """Counts of GH Archive's hour files, as an import archives them."""
        with Archive(self.settings.raw).start("events", lambda: self.now) as run:
            for hour in hours:
                body = json.dumps({"day": str(day), "hour": hour, "names": names, "stars": stars}).encode()
                run.write(f"hour:{day}-{hour}", body, params={"kind": "gharchive", "rules": "1", "last": True})

    def ranking(self, day: date, stars: dict[str, int] | None) -> str:
        """A day's file; None when there is none, which the collector notes once it is sure."""
        if stars is None:
            asked = self.answer("ranking", str(day), b"404: Not Found", 404, day=str(day))
            return self.answer("ranking", "missing", {"days": [str(day)], "answers": [asked]}, None)
        lines = ["rank,item,repo_name,stars,forks,language,repo_url,issues,last_commit"]
        lines += [
            f"{rank},top-100-stars,{name.split('/')[1]},{count},2,C++,https://github.com/{name},3,{day}T01:02:03Z"
            for rank, (name, count) in enumerate(stars.items(), 1)
        ]
        return self.answer("ranking", str(day), "\n".join(lines).encode(), day=str(day))

    def pypistats(self, package: str, downloads: dict[date, int], mirrors: bool = False) -> str:
        """Days of a package, without mirrors unless told otherwise."""
        category = "with_mirrors" if mirrors else "without_mirrors"
        data = [{"category": category, "date": str(day), "downloads": number} for day, number in downloads.items()]
        answer = {"data": data, "package": package.lower(), "type": "overall_downloads"}
        return self.answer("downloads", package, answer, kind="pypistats", package=package, mirrors=mirrors)

    def questions(self, tag: str | None, month: str, total: int) -> str:
        """Questions of a month."""
        subject = f"tag:{tag}" if tag else "all"
        return self.answer("questions", subject, {"total": total}, kind="questions", tag=tag, month=month)

    def releases(self, repo: str, *releases: tuple[str, str, bool, bool]) -> str:
        """A page of (tag, day, draft, prerelease)."""
        page = [
            {"tag_name": tag, "draft": draft, "prerelease": prerelease, "published_at": f"{day}T23:30:00-02:00"}
            for tag, day, draft, prerelease in releases
        ]
        return self.answer("releases", repo, page, kind="releases", page=1)

    def releases_read(self, repo: str, since: datetime, pages: str) -> str:
        """The note that the list was read from `since` on: `all` of its pages, or the `newest`."""
        return self.answer("releases", repo, {}, None, kind="whole", pages=pages, read_from=since.isoformat())

    def survey(self, survey: str, year: int, populations: dict[str, dict[str, Any]]) -> str:
        """Counts of an answers file, as an import archives them."""
        body = {"survey": survey, "year": year, "asked": bool(populations), "populations": populations}
        subject = f"survey:{survey}:{year}"
        return self.answer("surveys", subject, body | {"source_url": "https://s/"}, None, kind=survey, last=True)

    def implementations(self, months: dict[str, dict[str, int]]) -> str:
        """Counts of the Papers-with-Code archive, as an import archives them."""
        return self.answer(
            "surveys", "survey:paperswithcode", {"months": months}, None, kind="paperswithcode", last=True
        )
