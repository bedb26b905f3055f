"""Switching automatic deployments off and back on: the same steps at both providers.

Writing a setting twice does no harm, so a lost response is settled at once by reading the setting.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from deployments.providers.base import ProviderError, Refused, Unclear, Unreadable
from deployments.providers.ids import NOT_SENT

OFF = "off"
ON = "on"  # Render's older field: `commit` or `checksPass`, which it does not tell apart


def may_be_same(one: str, other: str) -> bool:
    """Whether two settings may be the same one: `on` may be any that is known and not off."""
    return one == other or (ON in {one, other} and not {OFF, ""} & {one, other})


def finer(read: str | None, known: str) -> str | None:
    """The setting that was read; where that is only `on`, the finer one that was known before stays."""
    return known if read == ON and may_be_same(read, known) else read


class AutoDeploySetting(ABC):
    """The setting for automatic deployments at one provider; a subclass knows how to read and write it.

    `unknown`, `owner` and `subject` are how messages name the setting.
    """

    unknown: str
    owner: str
    subject: str

    @abstractmethod
    def read(self, service_id: str) -> str | None:
        """The setting, or None where the provider does not tell it. Raises ProviderError."""

    @abstractmethod
    def write(self, service_id: str, setting: str) -> str | None:
        """Set it; return the value in the response, or None. Raises ProviderError."""

    @abstractmethod
    def is_valid(self, setting: str) -> bool:
        """Is this a setting that the provider knows?"""

    def matches(self, current: str | None, setting: str) -> bool:
        """Is the current setting surely the wanted one?"""
        return current == setting

    def switch_off(self, service_id: str) -> str:
        """Switch automatic deployments off and return the setting from before.

        Raises Unreadable where the provider does not tell it, because nobody could restore it; Unclear
        where the setting may or may not have changed.
        """
        before = self.read(service_id)
        if before is None:
            raise Unreadable(f"{self.unknown}; nothing was changed.")
        if before != OFF:
            self._write_and_check(service_id, OFF)
        return before

    def restore(self, service_id: str, setting: str) -> None:
        """Bring back a setting that `switch_off` returned.

        Raises Refused for a setting that the provider does not have; Unclear as `switch_off`.
        """
        if not self.is_valid(setting):
            raise Refused(f"{setting!r} is no setting of {self.owner}; nothing was sent.", status=NOT_SENT)
        if not self.matches(self.read(service_id), setting):
            self._write_and_check(service_id, setting)

    def _write_and_check(self, service_id: str, setting: str) -> None:
        try:
            current = self.write(service_id, setting) or self.read(service_id)
        except Unclear as unclear:
            current = self._read_after(unclear, service_id)
        if current is None or not may_be_same(current, setting):
            raise Unclear(f"{self.subject} should be {setting!r} now, but are {current or 'unknown'!r}.")

    def _read_after(self, unclear: Unclear, service_id: str) -> str | None:
        try:
            return self.read(service_id)
        except ProviderError:
            raise unclear from None
