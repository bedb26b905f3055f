"""Step 3: the worker prefills the editor with a down.sql, or proposes SQL that it has proven."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from dbtools.config import DatabaseConfig, NotConfigured, load_database
from dbtools.down_draft import Draft, DraftLine, MigrationReplay, ReplayFailed
from dbtools.down_draft.draft import OLD
from dbtools.models.documents import StoredDraft, StoredDraftLine
from dbtools.postgres.catalog.privileges import GrantedRight
from dbtools.postgres.client import DatabaseUnreachable, Error
from dbtools.postgres.dump import DumpFailed
from dbtools.postgres.programs import ProgramNotFound
from dbtools.postgres.scratch import ScratchServer, ScratchUnavailable
from dbtools.postgres.scratch.extensions import named_in, only_superusers
from dbtools.prisma.folder import InvalidMigrationsFolder, MigrationsFolder
from dbtools.prisma.mirror import MirrorUnavailable
from dbtools.sql import isolated
from dbtools.sql.isolated import AnalysisFailed
from dbtools.wizard.worker.backup_and_rehearse import is_replayed, scratch_server, why_not_replayed
from dbtools.wizard.worker.check import count_losses, first_problem, standing_rights
from dbtools.wizard.worker.context import WizardContext
from dbtools.wizard.worker.read_migrations import read_folder
from rollback_portal.audit.models import Outcome

NO_DRAFT = (ScratchUnavailable, ProgramNotFound, ReplayFailed, DumpFailed, DatabaseUnreachable, Error)


def make_draft(context: WizardContext) -> None:
    """Prefill the editor. Where there is no draft the page says why, and the person writes without one."""
    rollback = context.rollback
    try:
        folder = read_folder(rollback, load_database(rollback.database.name))
    except (NotConfigured, InvalidMigrationsFolder, MirrorUnavailable) as error:
        message = f"The migrations could not be read again: {error}"
        context.advance("choosing", message, action="draft", outcome=Outcome.FAILED, selected=[])
        return
    selected = [folder.migrations[name] for name in rollback.selected]
    draft: StoredDraft = {
        "up": [{"name": migration.name, "sql": migration.sql or ""} for migration in selected],
        "down": "\n".join(migration.down for migration in selected if migration.down),
        "lines": [], "text": "", "message": "",
    }  # fmt: skip
    draft.update(_propose(context, folder))
    context.advance("writing", draft["message"] or "The draft is ready.", action="draft", draft=draft)


def _propose(context: WizardContext, folder: MigrationsFolder) -> StoredDraft:
    """SQL that was run and compared on a scratch database, or the reason why there is none."""
    rollback = context.rollback
    earlier = rollback.earlier_migrations
    reason = why_not_replayed(earlier)
    if reason:
        return {"message": f"There is no draft: {reason}"}
    config = load_database(rollback.database.name)
    before = [migration["name"] for migration in earlier if is_replayed(migration)]
    try:
        with scratch_server(config) as scratch:
            schema = config.address().schema
            draft = _replay_and_draft(
                context, scratch, schema, _texts(folder, before), _texts(folder, rollback.selected)
            )
    except NO_DRAFT as error:
        return {"message": f"There is no draft: {error}"}
    with suppress(DatabaseUnreachable):  # then the notes of the lines say it without the statements
        draft = with_standing_rights(draft, standing_rights(config, rollback.pk))
    lines: list[StoredDraftLine] = [
        {
            "sql": line.sql, "mark": line.mark, "note": line.note, "key": line.key,
            "choices": list(line.choices), "counts": [],
        }
        for line in draft.lines
    ]  # fmt: skip
    refusal = _checked(rollback.pk, config, draft, lines) if draft.statements else ""
    return {
        "lines": lines,
        "text": draft.text if draft.statements else "",
        "message": f"{draft.message} {refusal}".strip(),
    }


def with_standing_rights(draft: Draft, standing: Sequence[GrantedRight]) -> Draft:
    """The draft, and below it the rights that go with what it makes anew, as statements to choose."""
    dropped = {line.key for line in draft.lines if line.sql.startswith("DROP ")}
    again = {line.key for line in draft.lines if line.sql.startswith("CREATE ")} & dropped
    names = {key.partition(" ")[2].replace(", ", ",") for key in again}
    rights = tuple(right.sql for right in standing if right.name.replace(", ", ",") in names)
    if not rights:
        return draft
    note = "These rights stand today and go with what is made anew. Give again those that are still meant."
    return replace(draft, lines=(*draft.lines, DraftLine("", OLD, note, "", rights)))


def _checked(number: int, config: DatabaseConfig, draft: Draft, lines: list[StoredDraftLine]) -> str:
    """Count what each line would meet today; return why the wizard does not run it as it is, or ""."""
    digest = hashlib.sha256(draft.text.encode()).hexdigest()
    try:
        analysis = isolated.check(
            draft.text, sha256=digest, schemas=config.all_schemas(), allow_opaque=config.opaque
        )
    except AnalysisFailed as error:
        return f"The wizard cannot run it as it is: {error}"
    if analysis["problems"]:
        return f"The wizard does not run it as it is. {first_problem(analysis['problems'])}"
    with suppress(DatabaseUnreachable):  # then nothing is counted yet; the preflight counts again
        count_losses(config.address(), number, analysis["statements"])
        written = (line for line in lines if line["sql"])
        for stored, statement in zip(written, analysis["statements"], strict=True):
            stored["counts"] = [
                count
                for hazard in statement["hazards"]
                if hazard["tone"] in {"loses", "fails"}
                for count in hazard["counts"]
            ]
    return ""


def _replay_and_draft(
    context: WizardContext, scratch: ScratchServer, schema: str, before: list[str], selected: list[str]
) -> Draft:
    """Apply the whole history to a scratch database, then look for SQL that leads back and prove it.

    Args:
        before: the SQL of the earlier migrations, oldest first.
        selected: the SQL of the migrations to roll back, newest first.
    """
    needed = only_superusers(named_in([*before, *reversed(selected)]))
    with MigrationReplay(scratch, schema=schema, needed=needed) as replay:
        for number, sql in enumerate(before, 1):
            context.report(phase=f"Migration {number} of {len(before)} is applied to a scratch database.")
            replay.apply(sql)
        earlier = replay.state()
        for sql in reversed(selected):
            replay.apply(sql)
        context.report(phase="The way back is worked out, run and compared.")
        return replay.draft(selected, earlier, replay.state())


def _texts(folder: MigrationsFolder, names: list[str]) -> list[str]:
    return [folder.migrations[name].sql or "" for name in names]
