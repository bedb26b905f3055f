"""All charts of a service over one range, with what happened meanwhile. From PostgreSQL only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse

from deployments.metrics.chart_steps import chart_steps
from deployments.models import Service
from deployments.pages.charts.axis import ChartMark, marks_of
from deployments.pages.charts.chart import Chart, build_chart
from deployments.pages.charts.quantities import QUANTITIES
from deployments.pages.charts.ranges import ChartRange
from rollback_portal.jobs import clock
from rollback_portal.web.unchanged import fingerprint


@dataclass(frozen=True, slots=True)
class ChartPanel:
    """What the panel shows.

    Attributes:
        marks: the newest first; `more_marks` says that there are older ones.
        drawn: what the script draws, as JSON.
        newest_at: when the newest bucket of any source began; None where there is none.
        version: differs whenever anything that is shown does.
    """

    range: ChartRange
    charts: Sequence[Chart]
    marks: Sequence[ChartMark]
    more_marks: bool
    drawn: dict[str, Any]
    newest_at: datetime | None
    version: str
    poll_url: str

    @property
    def kinds(self) -> Sequence[ChartMark]:
        """One mark of each kind that is there, for the legend."""
        return list({mark.kind: mark for mark in self.marks}.values())


def build_chart_panel(service: Service, chosen: ChartRange) -> ChartPanel:
    """In six queries, however many points there are."""
    now = clock.now()
    span = chosen.span(service.pk, now)
    found = chart_steps(span, chosen.step, now)
    marks, more = marks_of(service, span)
    limits = {"errors": settings.SERVED_ERROR_SHARE}
    charts = [build_chart(one, found, span, chosen, limits.get(one.name)) for one in QUANTITIES]
    newest = max((steps[-1].last_at for steps in found.values()), default=None)
    address = reverse("service_numbers", args=[service.slug])
    drawn = {
        "from": span.since.timestamp(),
        "step": chosen.step.total_seconds(),
        "steps": int(span.length / chosen.step),
        "marks": [{"kind": one.kind, "at": one.at.timestamp(), "words": one.words} for one in marks],
        "charts": {one.name: one.drawn for one in charts if one.drawn},
    }
    return ChartPanel(
        range=chosen,
        charts=charts,
        marks=marks,
        more_marks=more,
        drawn=drawn,
        newest_at=newest,
        version=fingerprint(drawn, charts, marks, more, newest),
        poll_url=f"{address}?range={chosen.name}",
    )
