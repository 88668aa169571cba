"""The lowest layer: registry, raw archive, parsers, dbt project, build, and read-only queries."""
