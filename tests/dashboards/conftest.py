"""Homes with a sample database in each state that the dashboard must stand: full | cited | half | empty | missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.dashboards import sample

Home = Callable[[str], Path]


@pytest.fixture(scope="session")
def sample_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Return a function that gives the home of a variant, written once a session."""
    root = tmp_path_factory.mktemp("homes")

    def home(variant: str) -> Path:
        folder = root / variant
        if not folder.exists():
            folder.mkdir()
            if variant != "missing":
                sample.write(folder / "dlpulse.duckdb", variant)
        return folder

    return home
