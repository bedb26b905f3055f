"""The `before` parameter of a list of deployments: where its next page starts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_CURSOR = 4_000


@dataclass(frozen=True, slots=True)
class Cursor:
    """A page starts after this deployment and leaves out those that an earlier page has already shown."""

    at: datetime
    pk: int
    shown: tuple[int, ...] = ()

    def __str__(self) -> str:
        microseconds = (self.at - BEGINNING) // timedelta(microseconds=1)
        return ".".join(str(number) for number in (microseconds, self.pk, *self.shown))

    @classmethod
    def read(cls, text: str) -> Cursor | None:
        """Parse what `str()` wrote; None for anything else."""
        parts = text.split(".")
        if (
            len(parts) < 2
            or len(text) > LONGEST_CURSOR
            or not all(part.isascii() and part.isdigit() for part in parts)
        ):
            return None
        microseconds, pk, *shown = (int(part) for part in parts)
        try:
            at = BEGINNING + timedelta(microseconds=microseconds)
            return cls(at, _primary_key(pk), tuple(map(_primary_key, shown)))
        except OverflowError:
            return None


def _primary_key(number: int) -> int:
    """The number itself; OverflowError where no primary key can be as large."""
    if number >= 2**63:
        raise OverflowError(number)
    return number
