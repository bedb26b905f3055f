"""GRANT and REVOKE are accepted only where they restore what stood before."""

from __future__ import annotations

import pytest

from dbtools.postgres.catalog.privileges import granted_rights
from dbtools.postgres.client import Connection
from dbtools.sql import check

STANDING = (
    "GRANT SELECT ON TABLE public.v TO reader",
    "GRANT UPDATE (note) ON TABLE public.t TO PUBLIC",
    "GRANT USAGE ON SEQUENCE public.s TO reader WITH GRANT OPTION",
    "GRANT EXECUTE ON FUNCTION public.f(integer, text) TO reader",
    'GRANT USAGE ON TYPE public."E" TO reader',
    "GRANT USAGE ON SCHEMA public TO reader",
)
UNDONE = ("GRANT INSERT, DELETE ON t TO app; REVOKE SELECT ON public.t FROM reader;",)


def problems(text: str) -> list[str]:
    script = check(text, schemas=("public", "audit"), standing_rights=STANDING, undone=UNDONE)
    return [problem.message for problem in script.problems]


@pytest.mark.parametrize("text", [
    *STANDING, "GRANT SELECT ON v TO reader", "GRANT EXECUTE ON FUNCTION f(int, text) TO reader",
    'GRANT USAGE ON TYPE "E" TO reader', "REVOKE INSERT ON public.t FROM app",
    "REVOKE DELETE, INSERT ON TABLE t FROM app", "GRANT SELECT ON t TO reader",
    "GRANT SELECT ON t, v TO reader",
])  # fmt: skip
def test_a_right_that_stood_before_is_restored(text: str) -> None:
    assert problems(text) == []


@pytest.mark.parametrize("text", [
    "GRANT SELECT ON v TO mallory", "GRANT SELECT, UPDATE ON v TO reader", "GRANT ALL ON v TO reader",
    "GRANT SELECT ON audit.v TO reader", "GRANT SELECT ON v TO PUBLIC", "GRANT UPDATE ON t TO PUBLIC",
    "GRANT SELECT ON v TO reader WITH GRANT OPTION", "REVOKE SELECT ON v FROM reader",
    "GRANT INSERT ON t TO app", "REVOKE INSERT ON t FROM app CASCADE",
    "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader", "GRANT EXECUTE ON FUNCTION f(int) TO reader",
    "REVOKE GRANT OPTION FOR INSERT ON t FROM app", "GRANT app TO reader",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reader", "GRANT SELECT ON v TO CURRENT_USER",
])  # fmt: skip
def test_any_other_right_is_refused(text: str) -> None:
    assert any("who may do what" in message for message in problems(text))


def test_the_rights_that_stand_are_read_as_statements_that_give_them_again(opened: Connection) -> None:
    opened.execute(
        'CREATE TABLE t (id serial, note text); CREATE VIEW v AS SELECT 1 AS one; CREATE TYPE "E" AS ENUM ();'
        "CREATE FUNCTION f(int, text) RETURNS int LANGUAGE sql AS 'SELECT 1';"
        "GRANT SELECT, UPDATE (note) ON t TO pg_monitor; GRANT SELECT ON v TO PUBLIC;"
        "GRANT USAGE ON SEQUENCE t_id_seq TO pg_monitor WITH GRANT OPTION;"
        'GRANT USAGE ON TYPE "E" TO pg_monitor;'
        "GRANT EXECUTE ON FUNCTION f TO pg_monitor"
    )
    standing = [right.sql for right in granted_rights(opened, ["public"])]
    assert {
        "GRANT SELECT ON TABLE public.t TO pg_monitor",
        "GRANT UPDATE (note) ON TABLE public.t TO pg_monitor",
        "GRANT SELECT ON TABLE public.v TO PUBLIC",
        "GRANT USAGE ON SEQUENCE public.t_id_seq TO pg_monitor WITH GRANT OPTION",
        'GRANT USAGE ON TYPE public."E" TO pg_monitor',
        "GRANT EXECUTE ON FUNCTION public.f(integer, text) TO pg_monitor",
    } <= set(standing)
    assert check("; ".join(standing), standing_rights=standing).problems == ()
    for statement in standing:
        opened.execute(statement.encode())
