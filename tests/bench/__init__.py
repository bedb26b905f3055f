"""Measures the running portal: `make bench` prints each number with its baseline from the same run.

It asserts nothing about speed; the exit code is 1 only if something did not work. `docs/benchmarks.md`
explains each number and has the figures of a run.
"""
