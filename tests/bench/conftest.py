"""What the benchmark's tests share: the real data, and settings in a temporary home."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import data
from warehouse.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", raw=tmp_path / "raw")


@pytest.fixture(scope="session")
def digits() -> data.Dataset:
    return data.load("digits")
