"""Benchmarks: `python -m bench [ROW ...]`. Never part of the tests; every figure is a median of runs in one go."""
