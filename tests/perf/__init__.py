"""`make perf`: ratios against a named rival in one interleaved run. Prints, asserts nothing."""
