"""Daily operation for long, with outages, renames, stars taken back and a kill -9 each month: see tests/soak.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak import QUIET_DAYS, Soak


def test_sixty_days_end_with_the_worlds_facts(shared_data: Path, tmp_path: Path) -> None:
    cost = Soak(shared_data, tmp_path / "home", 60).run()
    assert (cost.days, cost.kills, cost.outages) == (60 + QUIET_DAYS, 2, 1)
    assert len(cost.builds) == 4


@pytest.mark.long
@pytest.mark.timeout(1_800)
def test_a_year_ends_with_the_worlds_facts(shared_data: Path, tmp_path: Path) -> None:
    cost = Soak(shared_data, tmp_path / "home", 365).run()
    assert cost.days == 365 + QUIET_DAYS
    assert cost.kills >= 8 and cost.outages >= 5
