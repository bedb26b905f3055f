"""What is drawn: five quantities, the lines of each, and how a value is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from deployments.metrics.chart_steps import ChartStep
from deployments.metrics.series import milliseconds, percent, rate
from deployments.models import MetricSource

Read = Callable[[ChartStep], float | None]
BOTH = (MetricSource.PROVIDER, MetricSource.PROBE)
COUNTED_BY_THE_PROVIDER = (MetricSource.PROVIDER,)


@dataclass(frozen=True, slots=True)
class Column:
    """A value of a step or of a row, and how it is written."""

    label: str
    read: Read
    write: Callable[[float], str]

    def text(self, step: ChartStep | None) -> str:
        value = self.read(step) if step else None
        return "no data" if value is None else self.write(value)


@dataclass(frozen=True, slots=True)
class Quantity:
    """One chart.

    Attributes:
        title: by the source; the provider counts 5xx, the portal every answer that is not a good one.
        unit, scale: of the vertical axis, and what a value is multiplied with for it.
        lines: what is drawn. They are columns of the table, too, after `counts`.
        peak: the line whose highest step a row of the table names as well; "" where rows have none.
        sources: whose numbers say something about it, the best first.
        why_not: where there is no data.
    """

    name: str
    title: Mapping[MetricSource, str]
    unit: str
    scale: float
    lines: Sequence[Column]
    counts: Sequence[Column] = ()
    peak: str = ""
    sources: Sequence[MetricSource] = BOTH
    why_not: str = ""


def _titled(title: str) -> Mapping[MetricSource, str]:
    return dict.fromkeys(MetricSource, title)


def _count(number: float) -> str:
    return f"{number:,.0f}"


def cores(number: float) -> str:
    """ "0.25 cores"."""
    return f"{number:.2f} cores"


def size(bytes_: float) -> str:
    """ "412 MB" or "1.2 GB"."""
    return f"{bytes_ / 1e9:.1f} GB" if bytes_ >= 1e9 else f"{bytes_ / 1e6:.0f} MB"


QUANTITIES = (
    Quantity(
        "errors",
        {MetricSource.PROVIDER: "5xx share", MetricSource.PROBE: "Share of errors"},
        "%",
        100,
        [Column("Share", lambda step: step.share, percent)],
        counts=[
            Column("Requests", lambda step: step.judged, _count),
            Column("Failed", lambda step: step.errors, _count),
        ],
        peak="Share",
        why_not="No request of this time is known to have failed or not.",
    ),
    Quantity(
        "traffic",
        _titled("Traffic"),
        "/s",
        1,
        [Column("Requests", lambda step: step.per_second, rate)],
        peak="Requests",
        sources=COUNTED_BY_THE_PROVIDER,
        why_not="The provider gave no count of requests, and the portal's own are no visitors'.",
    ),
    Quantity(
        "latency",
        _titled("Latency"),
        "ms",
        1,
        [
            Column("p95", lambda step: step.p95_ms.value, milliseconds),
            Column("p50", lambda step: step.p50_ms.value, milliseconds),
        ],
        peak="p95",
        why_not="No latency of this time is known.",
    ),
    Quantity(
        "cpu",
        _titled("CPU"),
        "cores",
        1,
        [Column("CPU", lambda step: step.cpu.value, cores)],
        peak="CPU",
        sources=COUNTED_BY_THE_PROVIDER,
        why_not="The provider gave none.",
    ),
    Quantity(
        "memory",
        _titled("Memory"),
        "MB",
        1e-6,
        [Column("Memory", lambda step: step.memory.value, size)],
        peak="Memory",
        sources=COUNTED_BY_THE_PROVIDER,
        why_not="The provider gave none.",
    ),
)
