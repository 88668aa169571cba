"""The benchmark: the reference CNN in each engine, proved identical, then timed on this device."""
