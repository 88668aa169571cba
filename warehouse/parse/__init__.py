"""Pure parsers, one module per source: an archived answer in, typed rows or a rejection with its reason out."""

from __future__ import annotations

from warehouse.parse.tables import TABLES, Rejected, Row

__all__ = ["TABLES", "Rejected", "Row"]
