"""Runs a command as a script would: its exit code, and what it prints."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

from django.core.management import CommandError, call_command

WHY = ("--reason", "500s", "--kind", "errors")


def printed(*arguments: str) -> tuple[int, str]:
    """The exit code, and what is printed to both."""
    output, code = StringIO(), 0
    try:
        call_command(*arguments, stdout=output, stderr=output)
    except SystemExit as ended:
        code = int(ended.code or 0)
    except CommandError as error:  # as `manage.py` does
        code = error.returncode
        output.write(f"{error}\n")
    return code, output.getvalue()


def command(*arguments: str) -> tuple[int, Any]:
    """Run the command with --json; return its exit code and its output."""
    stdout, code = StringIO(), 0
    try:
        call_command(*arguments, "--json", stdout=stdout)
    except SystemExit as ended:
        code = int(ended.code or 0)
    return code, json.loads(stdout.getvalue())
