"""Benchmarks: what they print is a ratio within one run."""
