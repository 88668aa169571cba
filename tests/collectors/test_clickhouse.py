"""How a statement is put to ClickHouse: what is sent, and what of the address may be archived."""

from __future__ import annotations

from dataclasses import replace

import pytest

from collectors import clickhouse


@pytest.fixture
def demo(settings):
    return replace(settings, clickhouse_url="https://me:pw@db.example:8443/?user=demo&password=#top")


def test_the_addresss_own_query_is_sent_with_the_statement_and_its_bound_values(demo):
    names = clickhouse.array(["keras"])
    assert clickhouse.query(demo, "select {n:UInt8}", n="7", names=names) == {
        "user": "demo",
        "password": "",
        "query": "select {n:UInt8}",
        "default_format": "JSONEachRow",
        "param_n": "7",
        "param_names": "['keras']",
    }


def test_the_address_that_is_asked_has_no_query(demo):
    assert clickhouse.address(demo) == "https://me:pw@db.example:8443/"
    assert clickhouse.host(demo).name == "ClickHouse"
