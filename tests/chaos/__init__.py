"""Chaos tests: real processes are killed, frozen and wiped under load, and the results are checked.

`python -m tests.chaos` runs a few minutes; every run prints its seed, and the same seed injects the same
faults at the same times. It fails when an operation is lost or sent twice, and it also fails when the
product with one of its safety measures taken out is *not* caught. See docs/reliability.md.
"""
