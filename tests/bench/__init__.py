"""Measures the portal as it runs: `make bench` prints each number beside its baseline from the same run.

It asserts nothing about speed. It ends with 1 only where something did not work. `docs/benchmarks.md` says
what each number means and keeps the figures of a run.
"""
