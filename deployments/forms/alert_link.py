"""What a link in an alert says: `/now?service=…&incident=…&since=…&reason=…`.

A value that cannot be used is left out and named in `complaints`: the link must still open the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from django.utils.dateparse import parse_datetime

from deployments.forms.confirm import LONGEST_INCIDENT, LONGEST_REASON
from deployments.models import Reason
from rollback_portal.text import clean_line

AHEAD = timedelta(minutes=5)  # how far a monitor's clock may be ahead of ours
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
SECONDS_UNTIL = 100_000_000_000  # a larger number is milliseconds
ALSO_CALLED: dict[str, Reason] = {
    "5xx": Reason.ERRORS,
    "error-rate": Reason.ERRORS,
    "feature": Reason.BROKEN,
    "cve": Reason.SECURITY,
    "vulnerability": Reason.SECURITY,
    "down": Reason.UNSTABLE,
    "latency": Reason.UNSTABLE,
    "outage": Reason.UNSTABLE,
    "slow": Reason.UNSTABLE,
}


class AlertLink:
    """A link's values, as far as they can be used.

    Args:
        values: the query string.
        now: the time now.
    """

    def __init__(self, values: Mapping[str, str], now: datetime) -> None:
        self.complaints: list[str] = []
        self.service = clean_line(values.get("service", ""), 200)
        self.incident = clean_line(values.get("incident", ""), LONGEST_INCIDENT)
        self.words = "\n".join(
            clean_line(line, LONGEST_REASON) for line in values.get("words", "").splitlines()
        )
        self.reason = self._reason(values.get("reason", ""))
        self.since = self._since(values.get("since", ""), now)

    def query(self) -> str:
        """The same values for the address of a confirm dialog."""
        since = self.since.isoformat() if self.since else ""
        words = {"reason": self.reason, "incident": self.incident, "since": since, "words": self.words}
        return urlencode({name: value for name, value in words.items() if value})

    def _reason(self, text: str) -> str:
        word = text.strip().lower()
        if word in Reason.values:
            return word
        if word in ALSO_CALLED:
            return ALSO_CALLED[word].value
        if word:
            self._leave_out("reason", text, f"is none of {', '.join(Reason.values)}; choose one below.")
        return ""

    def _since(self, text: str, now: datetime) -> datetime | None:
        if not text.strip():
            return None
        at = time_of(text.strip())
        if at is None:
            self._leave_out("since", text, "is no time such as 2026-11-29T06:21Z; no start is marked.")
        elif not EARLIEST < at <= now + AHEAD:
            self._leave_out("since", text, "lies in the future or too long ago; no start is marked.")
        else:
            return min(at, now)
        return None

    def _leave_out(self, name: str, text: str, because: str) -> None:
        self.complaints.append(f"{name}={clean_line(text, 60)} in the link {because}")


def time_of(text: str) -> datetime | None:
    """An ISO 8601 time with its offset, or seconds or milliseconds since 1970; None for anything else."""
    if text.isascii() and text.isdigit() and len(text) <= 14:
        number = int(text)
        return datetime.fromtimestamp(number / 1000 if number > SECONDS_UNTIL else number, UTC)
    try:
        # A query string turns the plus sign of an offset that was not quoted into a space.
        at = parse_datetime(text.replace(" ", "+") if text.count(" ") == 1 and "T" in text else text)
    except ValueError:
        return None
    return at.astimezone(UTC) if at is not None and at.tzinfo is not None else None
