"""Settings: what would fail later is refused at once, in one line that shows no secret."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Dlpulse
from warehouse.errors import BadInputError
from warehouse.settings import Settings, is_arxiv, without_userinfo


def make(**values: Any) -> Settings:
    return Settings(**({"home": Path("/home/me"), "raw": Path("/home/me/raw")} | values))


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"arxiv_api": "https://EXPORT.arXiv.org/api/query", "arxiv_delay": 1}, "DLPULSE_ARXIV_DELAY=1 is refused"),
        ({"arxiv_delay": float("nan")}, "DLPULSE_ARXIV_DELAY=nan is not a number of seconds"),
        ({"timeout": float("inf")}, "DLPULSE_TIMEOUT=inf is not a number of seconds"),
        ({"backoff": float("nan")}, "DLPULSE_BACKOFF=nan is not a number of seconds"),
        ({"max_wait": float("inf")}, "DLPULSE_MAX_WAIT=inf is not a number of seconds"),
        ({"github_api": "api.github.com"}, "DLPULSE_GITHUB_API 'api.github.com' is not an http(s) address with a host"),
        ({"github_api": "http://"}, "DLPULSE_GITHUB_API 'http://' is not an http(s) address with a host"),
        ({"github_api": "http://host:port"}, "DLPULSE_GITHUB_API 'http://host:port' is not an http(s) address"),
        ({"arxiv_api": "ftp://arxiv.org"}, "DLPULSE_ARXIV_API 'ftp://arxiv.org' is not an http(s) address"),
        ({"arxiv_api": "http://[::1/api"}, "DLPULSE_ARXIV_API 'http://[::1/api' is not an http(s) address"),
        ({"arxiv_api": "http://me:s3cret@/api"}, "DLPULSE_ARXIV_API 'http:///api' is not an http(s) address"),
        ({"github_token": "s3cret\nhalf"}, "GITHUB_TOKEN holds characters that no token has"),
        ({"github_token": "s3cretß"}, "GITHUB_TOKEN holds characters that no token has"),
        ({"contact": "me\nyou"}, "DLPULSE_CONTACT 'me\\nyou' must be printable ASCII"),
        ({"home": Path("/data/[old]")}, "DLPULSE_HOME=/data/[old] is refused: its path must hold none of * ? [ ]"),
        ({"home": Path("/data/what?")}, "DLPULSE_HOME=/data/what? is refused"),
        ({"home": Path("/data/*")}, "DLPULSE_HOME=/data/* is refused"),
    ],
)
def test_each_fault_gets_one_line(values: dict[str, Any], line: str) -> None:
    with pytest.raises(BadInputError, match=f"^{re.escape(line)}") as caught:
        make(**values)
    assert "\n" not in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_another_host_with_arxivs_name_in_its_path_may_be_asked_faster() -> None:
    assert make(arxiv_api="http://127.0.0.1:8000/arxiv.org/query", arxiv_delay=0).arxiv_delay == 0


@pytest.mark.parametrize(
    ("address", "own"),
    [
        ("https://export.arxiv.org/api/query", True),
        ("https://me@ARXIV.org./", True),
        ("https://notarxiv.org/", False),
        ("https://arxiv.org.example/", False),
    ],
)
def test_arxivs_own_hosts_are_known_by_their_host_name(address: str, own: bool) -> None:
    assert is_arxiv(address) is own


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://me:s3cret@host:81/api", "http://host:81/api"),
        ("https://me:s3@cr/et@host", "https://host"),
        ("me:s3cret@host", "host"),
        ("https://host/api", "https://host/api"),
    ],
)
def test_what_is_shown_of_an_address_has_no_password(address: str, shown: str) -> None:
    assert without_userinfo(address) == shown


@pytest.mark.parametrize(("given", "used"), [(" abc\n", "abc"), ("  ", None), (None, None)])
def test_white_space_around_the_token_is_dropped(given: str | None, used: str | None) -> None:
    assert make(github_token=given).github_token == used


def test_bad_settings_end_the_command_with_2(dlpulse: Dlpulse) -> None:
    refused = dlpulse("status", DLPULSE_GITHUB_API="me:s3cret@host")
    assert refused.returncode == 2
    assert refused.stderr == "dlpulse: DLPULSE_GITHUB_API 'host' is not an http(s) address with a host\n"
