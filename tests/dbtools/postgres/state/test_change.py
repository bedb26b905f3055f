"""What a run changed is held against its rehearsal, however another server writes it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from dbtools.postgres.state import DatabaseState, StatePart, beside, change, compared_how, unexpected

Parts = Mapping[tuple[str, str], str]
Changes = Mapping[tuple[str, str], str | None]
COPY_BEFORE: Parts = {
    ("table", "app.t"): "",
    ("view", "app.v"): "SELECT id FROM t",
    ("column", "app.t.a"): "integer",
}
HERE_BEFORE: Parts = {
    **COPY_BEFORE,
    ("view", "app.v"): "SELECT t.id FROM t",
    ("owner", "of table app.t"): "ann",
}


def made(parts: Parts, major: int = 18) -> DatabaseState:
    """A state; what stands beside a table is about it."""
    found = [
        StatePart(kind, name, text, about=name.removeprefix("of ") if name.startswith("of ") else "")
        for (kind, name), text in parts.items()
    ]
    return DatabaseState(major, {part.key: part for part in found})


def ran(copy: Changes, here: Changes, major: int = 15) -> tuple[str, ...]:
    """The differences between a rehearsal on PostgreSQL 18 and a run; None drops a part."""
    rehearsed = change(made(COPY_BEFORE), made(applied(COPY_BEFORE, copy)))
    before = made(HERE_BEFORE, major)
    return unexpected(rehearsed, before, made(applied(HERE_BEFORE, here), major))


def applied(parts: Parts, changes: Changes) -> Parts:
    return {key: text for key, text in {**parts, **changes}.items() if text is not None}


def test_an_expression_that_another_version_writes_otherwise_is_no_difference() -> None:
    made_view = ran({("view", "app.w"): "SELECT id FROM t"}, {("view", "app.w"): "SELECT t.id FROM t"})
    changed_view = ran({("view", "app.v"): "SELECT x FROM t"}, {("view", "app.v"): "SELECT t.x FROM t"})
    assert made_view == changed_view == ()


def test_a_restored_copy_that_writes_its_own_way_is_none_either() -> None:
    """On the same version, too: the views were written otherwise before anything ran."""
    assert ran({("view", "app.w"): "a"}, {("view", "app.w"): "b"}, major=18) == ()


@pytest.mark.parametrize(
    ("copy", "here", "sentence"),
    [
        ({("column", "app.t.a"): None}, {}, "column app.t.a stays. In the rehearsal it is gone."),
        ({}, {("column", "app.t.a"): None},
         "column app.t.a is gone, and was integer. In the rehearsal it stays."),
        ({}, {("view", "app.w"): "x"}, "view app.w is new: x. In the rehearsal it stays."),
        ({("column", "app.t.a"): "text"}, {("column", "app.t.a"): "bigint"},
         "column app.t.a is bigint, and was integer. In the rehearsal it is changed."),
        ({("column", "app.t.b"): "text"}, {("column", "app.t.b"): "bigint"},
         "column app.t.b is new: bigint. In the rehearsal it is new."),
        ({("view", "app.v"): None}, {("view", "app.v"): "y"},
         "view app.v is y, and was SELECT t.id FROM t. In the rehearsal it is gone."),
    ],
)  # fmt: skip
def test_whatever_else_differs_is_named(copy: Changes, here: Changes, sentence: str) -> None:
    assert ran(copy, here) == (sentence,)


def test_what_a_copy_lacks_is_named_and_no_difference() -> None:
    new_owner = {("owner", "of table app.t"): "eve"}
    assert ran({}, new_owner) == ()
    before, after = made(HERE_BEFORE), made(applied(HERE_BEFORE, new_owner))
    assert list(beside(before, after)) == ["owner of table app.t is eve, and was ann."]


def test_what_stood_beside_a_dropped_object_goes_without_a_word() -> None:
    gone = {("owner", "of table app.t"): None, ("table", "app.t"): None}
    assert list(beside(made(HERE_BEFORE), made(applied(HERE_BEFORE, gone)))) == []


def test_it_is_said_how_far_the_comparison_went() -> None:
    rehearsed = change(made(COPY_BEFORE), made(applied(COPY_BEFORE, {("view", "app.v"): None})))
    same = change(made(COPY_BEFORE), made(COPY_BEFORE))
    older = change(made(HERE_BEFORE, 15), made(HERE_BEFORE, 15))
    assert compared_how(rehearsed, same).endswith("with what the rehearsal did: word by word.")
    assert "on PostgreSQL 18: object by object." in compared_how(rehearsed, older)
    assert "PostgreSQL 15" in compared_how(rehearsed, older)
