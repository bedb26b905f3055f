"""Judges what was measured: whether an operation helped, and when the errors of a service began.

The statistics are in `deployments/analysis/`. Here rows become their points, and what they say becomes rows.
"""
