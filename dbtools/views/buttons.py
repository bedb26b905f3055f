"""Who may press which button of the wizard, and the sentence beside it that says why not."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from dbtools.models import ROLL_BACK, BackupRelease, DatabaseRollback
from dbtools.wizard import actions, break_glass
from rollback_portal.accounts.models import User
from rollback_portal.accounts.roles import any_role
from rollback_portal.text import clean_line

SEND_THE_ADDRESS = "A second database admin has to approve it: send them this page's address."


@dataclass(frozen=True, slots=True)
class Button:
    """Whether a button can be pressed, and the note beside it: why not, or what to expect."""

    disabled: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Viewer:
    """The person in front of a rollback's page.

    Attributes:
        may: whether they may roll databases back.
        needed: the role or roles that may.
        user_id: who they are.
        own: whether they requested this rollback or wrote a part of its SQL.
        approved_it: whether they approved it.
    """

    may: bool
    needed: str
    user_id: int
    own: bool
    approved_it: bool

    @classmethod
    def of(cls, user: User, rollback: DatabaseRollback) -> Viewer:
        return cls(
            may=user.has_perm(ROLL_BACK),
            needed=any_role(ROLL_BACK),
            user_id=user.pk,
            own=user.pk == rollback.requested_by_id or user.pk in rollback.authors,
            approved_it=user.pk == rollback.approved_by_id,
        )

    @property
    def needs_role(self) -> str:
        return f"needs the role {self.needed}"

    def button(self, note: str = "", *, unless: str = "", even_before: str = "") -> Button:
        """A button for everybody who may roll databases back.

        Args:
            note: shown beside a button that can be pressed.
            unless: why it cannot be pressed by them either; "" where it can.
            even_before: as `unless`, but shown to people who may not press it as well.
        """
        reason = even_before or ("" if self.may else self.needs_role) or unless
        return Button(bool(reason), reason or note)


def cancel_button(viewer: Viewer, rollback: DatabaseRollback) -> Button:
    """Stops a run; its note says until when that works."""
    if not viewer.may:
        return Button(True, f"Needs the role {viewer.needed}.")
    if rollback.cancel_requested_at:
        return Button(True, f"{rollback.cancel_requested_by[:80]} has asked to stop it.")
    if rollback.status != "running":
        return Button(True, "It has reached its commit and cannot be stopped.")
    return Button(False, "Until the commit, stopping it undoes everything.")


def abandon_button(viewer: Viewer, rollback: DatabaseRollback) -> Button:
    """Gives the rollback up; its note says what is kept."""
    backup = ", and so does the backup" if rollback.backup else ""
    return viewer.button(f"Nothing has been changed in the database. The record stays{backup}.")


def abandon_question(viewer: Viewer, rollback: DatabaseRollback) -> str:
    """What has to be answered before somebody else's work is given up; "" where nothing has to."""
    if not viewer.may or not actions.needs_reason_to_abandon(viewer.user_id, rollback):
        return ""
    name = clean_line(rollback.requested_by_name, 80)
    return f"{name} requested this, and it was rehearsed. Why it is given up:"


def approve_button(viewer: Viewer) -> Button:
    own = "you requested or wrote it: somebody else has to approve. Send them this page's address."
    return viewer.button(unless=own if viewer.own else "")


def break_glass_button(viewer: Viewer, rollback: DatabaseRollback) -> Button:
    """Approves it alone; its note says why that is not offered."""
    return viewer.button(unless=break_glass.why_not(viewer.user_id, rollback))


def request_approval_button(viewer: Viewer, rollback: DatabaseRollback) -> Button:
    failed = "" if rollback.rehearsal.get("passed") else "the rehearsal was not passed"
    return viewer.button("Send them this page's address.", unless=failed)


def run_button(viewer: Viewer, *, void_reason: str, code_operation: str) -> Button:
    void = "the approval is no longer valid" if void_reason else ""
    return viewer.button(unless=void or ("a code operation is under way" if code_operation else ""))


def follow_up_button(viewer: Viewer) -> Button:
    return viewer.button(even_before="somebody else has to" if viewer.approved_it else "")


def settle_button(viewer: Viewer) -> Button:
    """Unlocks a database whose run needed attention."""
    return viewer.button("The database is then free again in the portal.")


def ask_release_button(
    viewer: Viewer, rollback: DatabaseRollback, open_kinds: Collection[str], kind: str
) -> Button:
    """Asks to take the backup out; its note says why that is not possible now."""
    deleted = rollback.backup is not None and rollback.backup.deleted_at is not None
    gone = "the backup was deleted when its retention period ended" if deleted else ""
    unknown = "" if rollback.target else "it is not recorded which database the backup is of"
    asked = "it was asked for already, see below" if kind in open_kinds else ""
    return viewer.button(SEND_THE_ADDRESS, even_before=gone or unknown, unless=asked)


def approve_release_button(viewer: Viewer, release: BackupRelease) -> Button:
    own = "you asked for it: somebody else has to approve. Send them this page's address."
    return viewer.button(unless=own if viewer.user_id == release.requested_by_id else "")
