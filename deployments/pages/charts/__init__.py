"""The charts on a service's page: errors, traffic, latency, CPU and memory, from 1 h to 14 d, with tables."""

from deployments.pages.charts.panel import ChartPanel, build_chart_panel
from deployments.pages.charts.ranges import RANGES, chosen_range

__all__ = ["RANGES", "ChartPanel", "build_chart_panel", "chosen_range"]
