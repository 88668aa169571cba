"""The frameworks and where each is to be found: frameworks.toml, validated on load. No code knows one by name."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from warehouse.errors import BadInputError, nearest
from warehouse.settings import Settings

SHIPPED = Path(__file__).with_name("frameworks.toml")
STATUSES = ("active", "maintenance", "dormant", "archived", "ended")
# Raised when the meaning of the rules in `hist_mentions` changes; a changed pattern changes the digest by itself.
RULE_LANGUAGE = 2
_REQUIRED = ("id", "name", "colour", "first_released_on", "status")
_LISTS = ("pypi", "conda", "stackoverflow_tags", "survey_labels", "paperswithcode", "tags")
_KEYS = (*_REQUIRED, *_LISTS, "repositories", "arxiv")
_REPO_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/(?!\.{1,2}$)[A-Za-z0-9._-]+")
_ID = re.compile(r"[a-z0-9][a-z0-9_-]*")
# What Markdown would take for a picture, a link, code or an emphasis has no place in a name that stands in titles.
_NAME = re.compile(r"[^\x00-\x1f\x7f-\x9f\[\]<>`*$\\|~#][^\x00-\x1f\x7f-\x9f\[\]<>`*$\\|~]*")
# They become part of an address, of which nobody but the settings may choose the host or the path.
_PACKAGE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_TAG = re.compile(r"\.?[a-z0-9][a-z0-9.+#-]*")
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")


@dataclass(frozen=True)
class Repository:
    """A GitHub repository under its registry name, which is its repo_id for good, and its former names."""

    name: str
    formerly: tuple[str, ...] = ()


@dataclass(frozen=True)
class MentionRule:
    """A text names the framework when `match` is found, with the company asked for and nothing of `unless`."""

    match: str
    beside: str | None = None
    unless: str | None = None
    beside_framework: bool = False


@dataclass(frozen=True)
class Framework:
    """One framework of the registry."""

    id: str
    name: str
    colour: str
    first_released_on: date
    status: str
    repositories: tuple[Repository, ...] = ()
    arxiv_query: tuple[str, ...] = ()
    arxiv_rules: tuple[MentionRule, ...] = ()
    pypi: tuple[str, ...] = ()
    conda: tuple[str, ...] = ()
    stackoverflow_tags: tuple[str, ...] = ()
    survey_labels: tuple[str, ...] = ()
    paperswithcode: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def rule_version(self) -> str:
        """The version of the mention rules: `<language>.<digest of the patterns>`; kept with every mention."""
        digest = hashlib.sha256(repr(self.arxiv_rules).encode()).hexdigest()
        return f"{RULE_LANGUAGE}.{digest[:8]}"


@dataclass(frozen=True)
class Registry:
    """All frameworks by id, in the order of the file."""

    frameworks: Mapping[str, Framework] = field(default_factory=dict)

    def choose(self, ids: Sequence[str] | None) -> list[Framework]:
        """Return the named frameworks, or all.

        Raises:
            BadInputError: for an id outside the registry; names the nearest.
        """
        for wanted in ids or ():
            if wanted not in self.frameworks:
                raise BadInputError(f"unknown framework {wanted!r}{nearest(wanted, self.frameworks)}")
        return [framework for framework in self.frameworks.values() if not ids or framework.id in ids]


def load(settings: Settings) -> Registry:
    """Return the registry in force: `--registry FILE` alone, else the user's file merged over the shipped one."""
    if settings.registry_file:
        return Registry(_read(settings.registry_file))
    frameworks = _read(SHIPPED)
    if settings.user_registry.exists():
        frameworks |= _read(settings.user_registry)
    registry = Registry(frameworks)
    _check_shared(registry, settings.user_registry)
    return registry


def _read(path: Path) -> dict[str, Framework]:
    try:
        blocks = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path}: is not valid TOML: {error}") from None
    unknown = blocks.keys() - {"framework"}
    if unknown or not isinstance(blocks.get("framework"), list):
        raise BadInputError(
            f"{path}: expected [[framework]] blocks only{f', found {min(unknown)!r}' if unknown else ''}"
        )
    frameworks: dict[str, Framework] = {}
    for number, block in enumerate(blocks["framework"], 1):
        known_as = block.get("id", f"number {number}") if isinstance(block, Mapping) else f"number {number}"
        framework = _framework(block, f"{path}: framework {known_as!r}")
        if framework.id in frameworks:
            raise BadInputError(f"{path}: framework {framework.id!r} stands there twice; ids must be unique")
        frameworks[framework.id] = framework
    _check_shared(Registry(frameworks), path)
    _check_expressions(frameworks.values(), path)
    return frameworks


def _framework(block: Mapping[str, Any], where: str) -> Framework:
    _check_keys(block, _KEYS, where)
    for key in _REQUIRED:
        if key not in block:
            raise BadInputError(f"{where}: {key} is missing")
    _check_pattern(where, "id", block["id"], _ID, "lower-case letters, digits, - and _")
    _check_pattern(where, "colour", block["colour"], _COLOUR, "#rrggbb")
    if not isinstance(block["name"], str) or not block["name"].strip():
        raise BadInputError(f"{where}: name {block['name']!r} is not a text")
    _check_pattern(where, "name", block["name"], _NAME, "letters, digits, blanks and plain signs")
    if type(block["first_released_on"]) is not date:
        raise BadInputError(f"{where}: first_released_on {block['first_released_on']!r} is not a date like 2015-03-27")
    if block["status"] not in STATUSES:
        raise BadInputError(f"{where}: status {block['status']!r} is not one of {', '.join(STATUSES)}")
    for key, pattern, expected in (
        ("pypi", _PACKAGE, "a package's name"),
        ("conda", _PACKAGE, "a package's name"),
        ("stackoverflow_tags", _TAG, "a tag in lower case"),
    ):
        for value in _texts(block, key, where):
            _check_pattern(where, key, value, pattern, expected)
    arxiv = block.get("arxiv", {})
    _check_keys(arxiv, ("query", "rules"), f"{where}: arxiv")
    return Framework(
        **({key: block[key] for key in _REQUIRED} | {key: _texts(block, key, where) for key in _LISTS}),
        repositories=tuple(_repository(entry, where) for entry in _list(block, "repositories", where)),
        arxiv_query=_texts(arxiv, "query", where),
        arxiv_rules=tuple(_rule(entry, where) for entry in _list(arxiv, "rules", where)),
    )


def _repository(entry: Any, where: str) -> Repository:
    _check_keys(entry, ("name", "formerly"), f"{where}: repositories")
    names = (entry.get("name"), *_texts(entry, "formerly", where))
    for name in names:
        _check_pattern(where, "repository", name, _REPO_NAME, "owner/name")
    return Repository(names[0], names[1:])


def _rule(entry: Any, where: str) -> MentionRule:
    _check_keys(entry, ("match", "beside", "unless", "beside_framework"), f"{where}: arxiv.rules")
    if not entry.get("match"):
        raise BadInputError(f"{where}: an arxiv rule has no match pattern")
    for key, kind in (("match", str), ("beside", str), ("unless", str), ("beside_framework", bool)):
        if key in entry and not isinstance(entry[key], kind):
            expected = "a text" if kind is str else "true or false"
            raise BadInputError(f"{where}: {key} of an arxiv rule must be {expected}, found {entry[key]!r}")
    return MentionRule(**entry)


def _check_expressions(frameworks: Iterable[Framework], path: Path) -> None:
    """Try every pattern where it will be used: DuckDB knows RE2, which is less than Python's expressions."""
    with duckdb.connect() as connection:
        for framework in frameworks:
            patterns = (pattern for rule in framework.arxiv_rules for pattern in (rule.match, rule.beside, rule.unless))
            for pattern in filter(None, patterns):
                try:
                    connection.execute("select regexp_matches('', ?)", [pattern])
                except duckdb.Error as error:
                    raise BadInputError(
                        f"{path}: framework {framework.id!r}: arxiv rule {pattern!r} is not a regular expression "
                        f"of RE2, DuckDB's language: {str(error).partition(': ')[2]!r}"
                    ) from None


def _list(block: Mapping[str, Any], key: str, where: str) -> list[Any]:
    value = block.get(key, [])
    if not isinstance(value, list):
        raise BadInputError(f"{where}: {key} must be a list, found {value!r}")
    return value


def _texts(block: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    values = _list(block, key, where)
    if not all(isinstance(value, str) and value for value in values):
        raise BadInputError(f"{where}: {key} must be a list of texts, found {values!r}")
    for value in values:
        if values.count(value) > 1:
            raise BadInputError(f"{where}: {value!r} stands twice in {key}")
    return tuple(values)


def _check_keys(block: Any, known: Sequence[str], where: str) -> None:
    if not isinstance(block, Mapping):
        raise BadInputError(f"{where}: expected a table with {', '.join(known)}, found {block!r}")
    for key in block:
        if key not in known:
            raise BadInputError(f"{where}: unknown key {key!r}{nearest(key, known)}")


def _check_pattern(where: str, key: str, value: Any, pattern: re.Pattern[str], expected: str) -> None:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise BadInputError(f"{where}: {key} {value!r} is malformed; expected {expected}")


def _check_shared(registry: Registry, path: Path) -> None:
    """One repository and one survey label belong to one framework; shared ones would be counted twice."""
    owners: dict[tuple[str, str], str] = {}
    for framework in registry.frameworks.values():
        claims = [("survey label", label) for label in framework.survey_labels]
        claims += [("Papers with Code label", label) for label in framework.paperswithcode]
        for repository in framework.repositories:
            names = {name.lower() for name in (repository.name, *repository.formerly)}
            claims += [("repository", name) for name in sorted(names)]
        for claim in claims:
            if claim in owners:
                what, name = claim
                owner = owners[claim]
                where = (
                    f"twice under {owner!r}" if owner == framework.id else f"under both {owner!r} and {framework.id!r}"
                )
                raise BadInputError(f"{path}: {what} {name!r} stands {where}")
            owners[claim] = framework.id
