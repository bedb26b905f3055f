"""Template filters for times and untrusted text; see `rollback_portal.text`."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from rollback_portal.text import age, clean_line, clean_lines, duration, exact_time, time_of_day

register = template.Library()
register.filter("age", age)
register.filter("duration", duration)
register.filter("clean", clean_line)
register.filter("clean_lines", clean_lines)


@register.filter
def moment(at: datetime | None) -> SafeString | str:
    """A `<time>` element that shows the time of day, with the day if it is not today."""
    if at is None:
        return "unknown"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', at.isoformat(), exact_time(at), time_of_day(at)
    )


@register.filter
def hour(at: datetime | None) -> SafeString | str:
    """A `<time>` element that shows hour and minute, where the day stands above. UTC."""
    if at is None:
        return "unknown"
    at = at.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', at.isoformat(), exact_time(at), f"{at:%H:%M}"
    )


@register.filter
def ticking(at: datetime | None) -> SafeString | str:
    """A `<time>` element that shows the age; the page's script keeps it current."""
    if at is None:
        return "unknown"
    return format_html(
        '<time datetime="{}" title="{}" data-age>{}</time>', at.isoformat(), exact_time(at), age(at)
    )


@register.filter
def https_only(address: str) -> str:
    """An untrusted address if it is a plain https one that may become a link; else ""."""
    return address if re.fullmatch(r"https://[^\s<>\"'\\]+", address) else ""


PULL_REQUESTS = {"github.com": "pull", "gitlab.com": "-/merge_requests", "bitbucket.org": "pull-requests"}


@register.filter
def pull_request_url(number: str, repository: str) -> str:
    """The pull request's page at the repository's host; "" for a host that is not known."""
    match = re.fullmatch(r"https://([a-z.]+)/[\w.-]+(/[\w.-]+)+", repository)
    part = PULL_REQUESTS.get(match.group(1)) if match else None
    return f"{repository}/{part}/{number}" if part and re.fullmatch(r"\d{1,12}", number) else ""
