"""Daily operation for long, with outages, renames, stars taken back and a kill -9 each month: see tests/soak.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak import Soak


def test_sixty_days_end_with_the_worlds_facts(shared_data: Path, tmp_path: Path) -> None:
    cost = Soak(shared_data, tmp_path / "home", 60).run()
    assert (cost.days, cost.kills, cost.outages, len(cost.builds)) == (60, 1, 1, 2)


@pytest.mark.long
@pytest.mark.timeout(1_800)
def test_a_year_ends_with_the_worlds_facts(shared_data: Path, tmp_path: Path) -> None:
    cost = Soak(shared_data, tmp_path / "home", 365).run()
    assert (cost.days, cost.kills, len(cost.builds)) == (365, 12, 12)
    assert cost.outages >= 8
