"""How times and untrusted text are put into words, the same on every page and in every sentence."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

LONGEST = 200


@register.filter
def duration(length: timedelta | float | None) -> str:
    """ "41 s", "14 min", "3 d 4 h": two units at most, so that it can be read at a glance."""
    if length is None:
        return "unknown"
    seconds = int(length.total_seconds() if isinstance(length, timedelta) else length)
    if seconds < 60:
        return f"{max(seconds, 0)} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 86_400:
        hours, minutes = seconds // 3600, seconds % 3600 // 60
        return f"{hours} h {minutes} min" if hours < 10 and minutes else f"{hours} h"
    days, hours = seconds // 86_400, seconds % 86_400 // 3600
    return f"{days} d {hours} h" if days < 10 and hours else f"{days} d"


@register.filter
def age(moment: datetime | None) -> str:
    """How long ago, in words without "ago"."""
    return duration(timezone.now() - moment) if moment else "unknown"


@register.filter
def moment(at: datetime | None) -> SafeString | str:
    """A `<time>` with the clock time of today, the weekday of this week, or the date."""
    if at is None:
        return "unknown"
    return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), exactly(at), clock(at))


def exactly(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def clock(at: datetime) -> str:
    """ "13:51" today, "Fri 09:47" this week, "2 Nov 09:47" before. UTC."""
    at, now = at.astimezone(timezone.get_default_timezone()), timezone.now()
    if at.date() == now.date():
        return at.strftime("%H:%M")
    if now - at < timedelta(days=6):
        return at.strftime("%a %H:%M")
    return f"{at.day} {at.strftime('%b %H:%M')}"


@register.filter
def ticking(at: datetime | None) -> SafeString | str:
    """How long ago, as a `<time>` that the page counts on by itself; the absolute time is its title."""
    if at is None:
        return "unknown"
    return format_html(
        '<time datetime="{}" title="{}" data-age>{}</time>', at.isoformat(), exactly(at), age(at)
    )


@register.filter
def https_only(address: str) -> str:
    """An address from outside, if a browser may follow it; "" for anything that is not https."""
    return address if re.fullmatch(r"https://[^\s<>\"'\\]+", address) else ""


PULL_REQUESTS = {"github.com": "pull", "gitlab.com": "-/merge_requests", "bitbucket.org": "pull-requests"}


@register.filter
def pull_request_url(number: str, repository: str) -> str:
    """The pull request's page at the repository's host; "" where it cannot be built safely."""
    match = re.fullmatch(r"https://([a-z.]+)/[\w.-]+(/[\w.-]+)+", repository)
    part = PULL_REQUESTS.get(match.group(1)) if match else None
    return f"{repository}/{part}/{number}" if part and re.fullmatch(r"\d{1,12}", number) else ""


@register.filter
def harmless(text: object, longest: int = LONGEST) -> str:
    """Text from outside on one line: control, bidirectional and invisible characters gone, cut to fit."""
    visible = "".join(" " if char in "\n\r\t" else char for char in str(text) if _visible(char))
    line = re.sub(r" {2,}", " ", visible).strip()
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


@register.filter
def harmless_lines(text: str, longest: int = 5_000) -> str:
    """Text from outside with its lines kept; everything else as `harmless`."""
    lines = [harmless(line, longest) for line in text[:longest].splitlines()]
    return "\n".join(lines) + ("…" if len(text) > longest else "")


def _visible(char: str) -> bool:
    return char in "\n\r\t" or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
