"""Step 3: the proposed SQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dbtools.down_draft import Draft, DraftLine
from dbtools.postgres.catalog.privileges import GrantedRight
from dbtools.postgres.client import DatabaseAddress
from dbtools.postgres.programs import find
from dbtools.sql import isolated
from dbtools.wizard.worker.draft import with_standing_rights
from rollback_portal.accounts.models import User
from tests.dbtools.wizard.worker.full_runs import advance_to_writing

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_draft_says_which_data_it_cannot_bring_back(practice: DatabaseAddress, dana: User) -> None:
    row = advance_to_writing(dana)
    assert row.draft["text"], row.draft["message"]
    assert "legacyPrice" in row.draft["text"]
    assert "loses data" in {line["mark"] for line in row.draft["lines"]}


def test_the_draft_counts_what_was_written_since(practice: DatabaseAddress, dana: User) -> None:
    row = advance_to_writing(dana)
    (dropped,) = (line for line in row.draft["lines"] if "DROP COLUMN" in line["sql"])
    assert dropped["mark"] == "drops new data"
    assert [count["noun"] for count in dropped["counts"]] == ['values of public."Order"."priceCents"']
    assert (dropped["counts"][0]["number"] or 0) > 0


def test_a_draft_that_the_check_does_not_accept_says_so(
    practice: DatabaseAddress, dana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> dict[str, object]:
        return {"problems": [{"line": 3, "message": "CREATE FUNCTION runs or leaves code."}]}

    monkeypatch.setattr(isolated, "check", refuse)
    row = advance_to_writing(dana)
    assert "The wizard does not run it as it is. Line 3: CREATE FUNCTION" in row.draft["message"]
    assert row.draft["text"]


def test_rights_on_what_the_draft_makes_anew_are_offered_again() -> None:
    lines = (DraftLine("DROP VIEW public.v", "exact", key="view public.v"),
             DraftLine("CREATE VIEW public.v AS SELECT 1", "exact", key="view public.v"),
             DraftLine("DROP TABLE public.t", "drops new data", key="table public.t"))  # fmt: skip
    standing = tuple(
        GrantedRight("TABLE", name, f"GRANT SELECT ON TABLE {name} TO reader")
        for name in ("public.v", "public.t", "public.w")
    )
    draft = with_standing_rights(Draft(lines), standing)
    assert draft.lines[-1].choices == ("GRANT SELECT ON TABLE public.v TO reader",)
    assert draft.statements == Draft(lines).statements
    assert with_standing_rights(Draft(lines[2:]), standing) == Draft(lines[2:])


def test_a_pg_dump_that_fails_while_drafting_ends_in_a_sentence(
    practice: DatabaseAddress, dana: User, tmp_path: Path, settings: Any
) -> None:
    """The person writes without a draft; the row does not stay at drafting."""
    real = find(18, requires_tls=False)
    for name, program in (("pg_dump", real.pg_dump), ("pg_restore", real.pg_restore)):
        version = f'[ "$1" = --version ] && exec {program} --version'
        fails = "echo 'pg_dump: error: no way' >&2; exit 1"
        (tmp_path / name).write_text(f"#!/bin/sh\n{version}\n{fails}\n")
        (tmp_path / name).chmod(0o755)
    config = Path(settings.DATABASES_FILE)
    config.write_text(f'{config.read_text()}programs = "{tmp_path}"\n')
    row = advance_to_writing(dana)
    assert row.status == "writing"
    assert row.draft["message"].startswith("There is no draft: The schema could not be read: pg_dump: error")
