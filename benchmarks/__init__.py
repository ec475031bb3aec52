"""Measured comparisons with named peers; run with ``python -m benchmarks``."""
