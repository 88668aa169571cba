"""Collectors: one module per source; they ask the outside and write the raw archive, and know nothing of marts."""
