"""Migrations run under the old version's processes, so none may take away what those still use.

Each operation that could is listed in `REASONS` with why it does not, or it comes in two releases: see
“Upgrade without downtime” in docs/operations.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

OURS = ("rollback_portal", "deployments", "dbtools")
HARMLESS = (
    migrations.CreateModel,
    migrations.AddIndex,
    migrations.RemoveIndex,
    migrations.RemoveConstraint,
    migrations.AlterModelOptions,
    migrations.AlterModelManagers,
)
REASONS: dict[str, str] = {
    "deployments.0002_provider_truth: RunSQL": (
        "it only allows a change one more move, from queued to unclear, "
        "and both versions work on unclear ones"
    ),
    "deployments.0007_live_numbers: AddConstraint deployment live_errors_are_requests": (
        "it only watches columns that are made in the same migration, and the version before leaves NULL"
    ),
    "deployments.0007_live_numbers: AddConstraint liveperiod period_errors_are_requests": (
        "it only watches columns that are made in the same migration, and the version before leaves NULL"
    ),
    "dbtools.0002_rehearsal: RunSQL": (
        "it only asks who settled a run that needed attention, and fills that in from the message that the "
        "version before writes"
    ),
    "dbtools.0003_binding: RunSQL": "it only watches a table that is made in the same migration",
}


def labels() -> set[str]:
    return {config.label for config in apps.get_app_configs() if config.name.startswith(OURS)}


def released() -> Iterator[tuple[str, list[Operation], ProjectState, ProjectState]]:
    """Each of our migrations with the models as they were before it and are after it."""
    loader = MigrationLoader(None)
    state = ProjectState(real_apps=loader.unmigrated_apps)
    plan = [key for leaf in loader.graph.leaf_nodes() for key in loader.graph.forwards_plan(leaf)]
    for label, name in dict.fromkeys(plan):
        migration, before = loader.graph.nodes[label, name], state.clone()
        migration.mutate_state(state, preserve=False)
        if label in labels():
            yield f"{label}.{name}", migration.operations, before, state.clone()


def named(migration: str, operation: Operation) -> str:
    """As in `REASONS`: where it is, what it does, to which model and which part of it."""
    constraint: Any = getattr(operation, "constraint", None)
    part = constraint.name if constraint is not None else getattr(operation, "name", "")
    words = [type(operation).__name__, getattr(operation, "model_name", ""), part or ""]
    return f"{migration}: {' '.join(word for word in words if word)}"


def why_it_breaks(operation: Operation, label: str, before: ProjectState) -> str:
    """What the old version can no longer do afterwards; empty where it notices nothing."""
    model = getattr(operation, "model_name_lower", None) or getattr(operation, "model_name", "").lower()
    if isinstance(operation, HARMLESS) or (model and (label, model) not in before.models):
        return ""
    if isinstance(operation, migrations.AddField):
        field = operation.field
        fills_itself = field.null or field.has_db_default() or field.many_to_many or field.generated
        return "" if fills_itself else "its inserts leave the new column out"
    if isinstance(operation, migrations.AlterField):
        old = before.models[label, operation.model_name_lower].fields[operation.name]
        return why_narrower(old, operation.field)
    return "its queries may name what is gone, or write what is refused now"


def why_narrower(old: Any, new: Any) -> str:
    if old.get_internal_type() != new.get_internal_type():
        return "the column has another type"
    if old.null and not new.null:
        return "it writes NULL"
    if new.max_length is not None and (old.max_length is None or new.max_length < old.max_length):
        return "it writes longer text"
    if new.unique and not old.unique:
        return "it writes the same value twice"
    if old.has_db_default() and not new.has_db_default() and not new.null:
        return "its inserts leave the column out"
    return ""


def breaking() -> dict[str, str]:
    """An app's first migration has no version before it."""
    found = {}
    for migration, operations, before, _ in released():
        label = migration.partition(".")[0]
        if not any(app == label for app, _ in before.models):
            continue
        for operation in operations:
            why = why_it_breaks(operation, label, before)
            if why:
                found[named(migration, operation)] = why
    return found


def test_no_migration_breaks_the_version_before_it_without_a_reason() -> None:
    found = breaking()
    assert {name: why for name, why in found.items() if name not in REASONS} == {}
    installed = {name for name in REASONS if name.partition(".")[0] in labels()}
    assert installed == set(found), "a reason for nothing"


@pytest.mark.parametrize(
    "operation",
    [
        migrations.RemoveField("change", "published_at"),
        migrations.RenameField("change", "published_at", "called_at"),
        migrations.RenameModel("Change", "Move"),
        migrations.DeleteModel("Change"),
        migrations.AlterModelTable("Change", "changes"),
        migrations.RunSQL("DROP TABLE deployments_change"),
        migrations.AddField("change", "tomorrow", models.IntegerField(default=0)),
        migrations.AddConstraint("change", models.UniqueConstraint(fields=["service"], name="only_one")),
        migrations.AlterField("change", "provider_ref", models.CharField(max_length=79)),
        migrations.AlterField("change", "provider_ref", models.TextField()),
        migrations.AlterField("change", "published_at", models.DateTimeField()),
        migrations.AlterField("change", "provider_ref", models.CharField(max_length=80, unique=True)),
        migrations.AlterField("change", "resends", models.PositiveSmallIntegerField(default=0)),
    ],
    ids=lambda operation: named("", operation)[2:],
)
def test_the_guard_sees_what_would_break_the_old_version(operation: Operation) -> None:
    *_, (_, _, _, now) = released()
    assert why_it_breaks(operation, "deployments", now)


@pytest.mark.parametrize(
    "operation",
    [
        migrations.AddField("change", "tomorrow", models.IntegerField(null=True)),
        migrations.AddField("change", "tomorrow", models.IntegerField(db_default=0)),
        migrations.AlterField("change", "provider_ref", models.CharField(max_length=200)),
        migrations.AlterField("change", "status", models.CharField(max_length=16, null=True)),
    ],
    ids=lambda operation: named("", operation)[2:],
)
def test_the_guard_lets_pass_what_the_old_version_does_not_notice(operation: Operation) -> None:
    *_, (_, _, _, now) = released()
    assert why_it_breaks(operation, "deployments", now) == ""


# --- The same question, asked of the tables themselves ------------------------------------------------------

MUST_BE_GIVEN = """
SELECT table_name, column_name FROM information_schema.columns
WHERE table_schema = 'public' AND is_nullable = 'NO' AND column_default IS NULL
  AND is_identity = 'NO' AND is_generated = 'NEVER'
"""


def columns_of_the_beginning() -> set[tuple[str, str]]:
    """Table and column of everything that came with its table."""
    found = set()
    for _, _, before, after in released():
        for label, name in after.models.keys() - before.models.keys():
            meta = after.apps.get_model(label, name)._meta
            tables = [meta, *(field.remote_field.through._meta for field in meta.local_many_to_many)]
            found |= {
                (table.db_table, field.column) for table in tables for field in table.local_concrete_fields
            }
    return found


@pytest.mark.django_db
def test_only_a_new_table_has_columns_that_every_insert_must_name() -> None:
    beginning = columns_of_the_beginning()
    tables = {table for table, _ in beginning}
    with connection.cursor() as cursor:
        cursor.execute(MUST_BE_GIVEN)
        given = {(table, column) for table, column in cursor.fetchall() if table in tables}
    assert len(given) > 50
    assert given - beginning == set()
