"""No program inherits the portal's secrets: each call that starts one names its environment."""

from __future__ import annotations

import ast

import pytest

from rollback_portal import env
from tests.support.source import modules

STARTS = {"run", "Popen", "call", "check_call", "check_output"}
# It runs before anything is installed, in the shell of whoever installs, and knows no secret.
INSTALLER = "rollback_portal.local.install"
# What starts the portal's own processes, which need its secrets.
OWN_PROCESSES = ("rollback_portal.local.up",)


def without_environment(tree: ast.Module) -> list[int]:
    """The lines on which a program is started that inherits everything."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "subprocess"
        and node.func.attr in STARTS
        and "env" not in {keyword.arg for keyword in node.keywords}
    ]


def test_every_program_gets_a_named_environment() -> None:
    wrong = {
        name: lines
        for name, tree in modules().items()
        if name != INSTALLER and (lines := without_environment(tree))
    }
    assert wrong == {}


def test_a_program_that_would_inherit_everything_is_found() -> None:
    assert without_environment(ast.parse("import subprocess\nsubprocess.run(['git'])")) == [2]
    assert without_environment(ast.parse("subprocess.Popen(['git'], env={})")) == []


def test_only_the_portals_own_processes_get_its_whole_environment() -> None:
    using = [name for name, tree in modules().items() if "env.for_child" in ast.unparse(tree)]
    assert sorted(using) == sorted(OWN_PROCESSES)


def test_a_program_gets_named_variables_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_DATABASE_URL", "postgresql://secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    monkeypatch.setenv("PATH", "/bin")
    given = env.for_program("HTTPS_PROXY", "NOT_SET", MORE="1")
    assert given["PATH"] == "/bin"
    assert given["HTTPS_PROXY"] == "http://proxy"
    assert given["MORE"] == "1"
    assert "SHOP_DATABASE_URL" not in given
    assert "NOT_SET" not in given
    assert set(given) <= {*env.EVERY_PROGRAM, "HTTPS_PROXY", "MORE"}
