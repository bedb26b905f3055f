"""The wizard's forms: what each button sends. `values` gives an action of `dbtools.wizard` its arguments.

Each sentence of a form is shown above the page, which keeps what was typed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.core.files.uploadedfile import UploadedFile

from dbtools.models import DatabaseRollback
from dbtools.models.documents import MigrationSource
from dbtools.prisma.folder import InvalidMigrationsFolder
from dbtools.prisma.upload import from_archive
from rollback_portal.text import says_something

LONGEST_TEXT = 2000  # characters of a reason
LONGEST_INCIDENT = 100  # characters
LONGEST_ARCHIVE = 5 * 1024 * 1024  # bytes
COMMIT = re.compile(r"[0-9a-f]{7,40}")
SOURCES = ("live", "left", "commit", "folder")
NO_SOURCE = "Choose where the migrations are read from."
NO_ARCHIVE = "No file was chosen."


# --- Fields ---


class Text(forms.CharField):
    """Text that may be missing; what is too long is cut, never refused."""

    def __init__(self, *, longest: int = LONGEST_TEXT, strip: bool = True) -> None:
        super().__init__(required=False, strip=strip)
        self.longest = longest

    def to_python(self, value: object) -> str:
        return (super().to_python(value) or "")[: self.longest]


class Verbatim(forms.CharField):
    """Text that is taken exactly as it was sent."""

    def __init__(self) -> None:
        super().__init__(required=False, strip=False)


class SeenDigest(Verbatim):
    """The digest that the page was drawn with. It is compared as ASCII."""

    def to_python(self, value: object) -> str:
        return (super().to_python(value) or "").encode("ascii", "replace").decode()


class StatementNumbers(forms.Field):
    """Ticked statements; what is no number is ignored."""

    widget = forms.SelectMultiple

    def __init__(self) -> None:
        super().__init__(required=False)

    def to_python(self, value: object) -> list[int]:
        ticked = value if isinstance(value, list) else []
        return [int(number) for number in ticked if number.isdecimal() and len(number) < 6]


# --- Forms ---


class WizardForm(forms.Form):
    """What one button sends about one rollback; by itself, nothing but the press.

    `REFUSALS` names the refusal of each field in the audit log; "" stands for all other fields.
    """

    REFUSALS: ClassVar[Mapping[str, str]] = {}

    def __init__(self, data: Mapping[str, Any], rollback: DatabaseRollback, **options: Any) -> None:
        super().__init__(data, **options)
        self.rollback = rollback

    @property
    def values(self) -> dict[str, Any]:
        """The arguments of the action, by name."""
        return dict(self.cleaned_data)

    @property
    def refusal(self) -> tuple[str, str]:
        """The first error: its name in the audit log, and its sentence."""
        field, messages = next(iter(self.errors.items()))
        return self.REFUSALS.get(field) or self.REFUSALS[""], str(messages[0])


class SourceForm(WizardForm):
    """From which commit or folder the migrations are read."""

    REFUSALS = {"": "source refused"}

    source = forms.ChoiceField(
        choices=[(name, name) for name in SOURCES],
        required=False,
        error_messages={"invalid_choice": NO_SOURCE},
    )
    commit = Text()

    def clean_source(self) -> str:
        return self.cleaned_data["source"] or "live"

    def clean_commit(self) -> str:
        commit: str = self.cleaned_data["commit"].lower()
        if self.cleaned_data.get("source") == "commit" and not COMMIT.fullmatch(commit):
            raise forms.ValidationError("A commit is named by 7 to 40 of the characters 0-9 and a-f.")
        return commit

    @property
    def migration_source(self) -> MigrationSource:
        kind: str = self.cleaned_data["source"]
        return {"kind": kind, "commit": self.cleaned_data["commit"]} if kind == "commit" else {"kind": kind}

    @property
    def values(self) -> dict[str, Any]:
        return {"source": self.migration_source}


class NeedForm(SourceForm):
    """Step 1: why it is needed, and where the migrations are read from."""

    REFUSALS = {"": "need refused", "source": "source refused", "commit": "source refused"}
    field_order = ["reason", "understood", "source", "commit"]

    reason = Text()
    understood = forms.BooleanField(
        error_messages={"required": "Tick that application code was rolled back or cannot help."}
    )

    def clean_reason(self) -> str:
        reason: str = self.cleaned_data["reason"]
        if not says_something(reason):
            raise forms.ValidationError("Say in a sentence why code alone does not help.")
        return reason

    @property
    def values(self) -> dict[str, Any]:
        return {"reason": self.cleaned_data["reason"], "source": self.migration_source}


class SelectionForm(WizardForm):
    """Step 2: the oldest migration that is rolled back."""

    migration = Verbatim()

    @property
    def values(self) -> dict[str, Any]:
        return {"name": self.cleaned_data["migration"]}


class SqlForm(WizardForm):
    """Step 3: the SQL, and the digest of the SQL that the page showed."""

    REFUSALS = {"": "SQL refused"}

    sql = Verbatim()
    seen = SeenDigest()

    def clean_sql(self) -> str:
        """Browsers send line breaks as CR LF; what is stored, checked and approved has LF."""
        sql: str = self.cleaned_data["sql"]
        return sql.replace("\r\n", "\n")

    def clean(self) -> None:
        rollback = self.rollback
        if rollback.status != "writing":
            raise forms.ValidationError(
                "It is past the step where the SQL is written. What you typed is kept below but was not "
                "saved; press “Change the SQL” first."
            )
        if self.cleaned_data["seen"] != rollback.sql_sha256 and self.cleaned_data["sql"] != rollback.sql:
            raise forms.ValidationError(
                "Somebody else has written SQL since your page was loaded; theirs is shown below yours. "
                "Check yours once more to replace it."
            )

    @property
    def values(self) -> dict[str, Any]:
        return {"sql": self.cleaned_data["sql"]}


class BackupForm(WizardForm):
    """Step 4: why the warnings of the preflight are acceptable."""

    accepted = Text()


class ApprovalForm(WizardForm):
    """Step 7: the losses that were ticked, and the digest of what the approver saw."""

    seen = SeenDigest()
    ticked = StatementNumbers()

    @property
    def values(self) -> dict[str, Any]:
        return {"seen": self.cleaned_data["seen"], "acknowledged_losses": self.cleaned_data["ticked"]}


class BreakGlassForm(WizardForm):
    """Step 7: why nobody else can approve it, and the digest of what was seen."""

    seen = SeenDigest()
    reason = Text()


class ReasonForm(WizardForm):
    """Why it is not approved, or given up."""

    reason = Text()


class RunForm(WizardForm):
    """Step 8: the name that has to be typed. `seen` is when it was reached: no form starts two runs."""

    REFUSALS = {"": "run refused"}

    typed = Verbatim()
    seen = Verbatim()

    def clean_seen(self) -> str:
        seen: str = self.cleaned_data["seen"]
        if seen != self.rollback.status_times.get("approved", ""):
            raise forms.ValidationError("Your page is older than the last try to run it: look at it again.")
        return seen

    @property
    def values(self) -> dict[str, Any]:
        return {"typed": self.cleaned_data["typed"]}


class SettleForm(WizardForm):
    """Step 9: how the database stands, what the person saw in it, and the name that has to be typed."""

    answer = Verbatim()
    words = Text()
    typed = Verbatim()

    @property
    def values(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {"answer": data["answer"], "findings": data["words"], "typed": data["typed"]}


class UploadForm(WizardForm):
    """Step 2: an archive of the migrations folder."""

    REFUSALS = {"": "upload refused"}

    archive = forms.FileField(
        allow_empty_file=True, error_messages={"required": NO_ARCHIVE, "missing": NO_ARCHIVE}
    )

    def clean_archive(self) -> bytes:
        """The bytes of an archive that can be read; the worker reads them again."""
        upload: UploadedFile[bytes] = self.cleaned_data["archive"]
        if (upload.size or 0) > LONGEST_ARCHIVE:
            raise forms.ValidationError(f"The archive is larger than {LONGEST_ARCHIVE // 1024**2} MB.")
        raw = bytes(upload.read())
        try:
            from_archive(raw, archive_name(upload))
        except InvalidMigrationsFolder as error:
            raise forms.ValidationError(str(error)) from None
        return raw

    @property
    def values(self) -> dict[str, Any]:
        upload: UploadedFile[bytes] = self.files["archive"]  # type: ignore[assignment]
        source: MigrationSource = {"kind": "upload", "name": archive_name(upload)}
        return {"source": source}


def archive_name(upload: UploadedFile[bytes]) -> str:
    return (upload.name or "archive")[:80]


class StartForm(forms.Form):
    """Opens the wizard; the incident is optional."""

    incident = Text(longest=LONGEST_INCIDENT, strip=False)
