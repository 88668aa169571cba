"""The help at 80 columns, and numbers that are too small, of the command as a process."""

from __future__ import annotations

import dataclasses

import pytest

from warehouse.settings import Settings


@pytest.mark.parametrize("command", [(), ("collect",), ("import",)])
def test_nothing_of_the_help_is_cut_at_80_columns(dlpulse, command):
    shown = dlpulse(*command, "--help", COLUMNS="80")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert [line for line in shown.stdout.splitlines() if "…" in line or len(line) > 80] == []


def test_the_help_names_every_variable_and_where_long_addresses_lead(dlpulse):
    shown = dlpulse("--help", COLUMNS="80").stdout
    variables = [one.metadata["variable"] for one in dataclasses.fields(Settings) if one.metadata]
    assert len(variables) > 15
    assert [name for name in variables if f"[env var: {name}]" not in shown] == []
    assert "(anaconda-package-data.s3.amazonaws.com)]" in shown
    assert "https://export.arxiv.org/api/query]" in shown


@pytest.mark.parametrize(
    ("variable", "value", "line"),
    [
        ("DLPULSE_TIMEOUT", "0", "dlpulse: DLPULSE_TIMEOUT=0 is too little: expected 0.01 or more"),
        ("DLPULSE_RETRIES", "-1", "dlpulse: DLPULSE_RETRIES=-1 is too little: expected 0 or more"),
        ("DLPULSE_MAX_WAIT", "-0.5", "dlpulse: DLPULSE_MAX_WAIT=-0.5 is too little: expected 0 or more"),
    ],
)
def test_a_number_that_is_too_small_gets_one_line(dlpulse, variable, value, line):
    refused = dlpulse("status", **{variable: value})
    assert (refused.returncode, refused.stdout, refused.stderr) == (2, "", f"{line}\n")
