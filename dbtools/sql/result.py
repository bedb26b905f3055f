"""The result of the static analysis, as plain values that can be stored and displayed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tone = Literal["loses", "blocks", "rewrites", "fails"]


@dataclass(frozen=True, slots=True)
class ParserLimits:
    """How large a script may be, and how much time and memory the parser may use.

    Attributes:
        in_request: bytes that may be parsed in the calling process: at worst 0.2 s per KB were measured on a
            busy machine. Larger texts are parsed in a child process (`dbtools.sql.isolated`).
        seconds, memory: limits of the child process, memory in bytes. Measured: 1 MB of INSERT takes 1.5 to
            3.5 s of CPU and 0.3 GB; 1 MB of chained expressions takes more than 10 s and is refused.
        depth: parts that one expression may chain. The parser recurses over them and, measured with pglast
            8.8 on a stack of 8 MB, crashes the process at about 15,000.
    """

    in_request: int = 16 * 1024
    bytes: int = 1_000_000
    seconds: int = 10
    memory: int = 1024**3
    statements: int = 2_000
    depth: int = 4_000
    nested_comments: int = 100


LIMITS = ParserLimits()


@dataclass(frozen=True, slots=True)
class SqlProblem:
    """A reason to refuse the script. `line` counts from 1; 0 is the whole text."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class CountUses:
    """Everything that a count names, for the catalog to say what it is.

    `schema` is the one that the script works in; tables and types have theirs, operators and functions are
    PostgreSQL's own or nobody's.
    """

    schema: str
    tables: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    functions: tuple[str, ...]
    operators: tuple[str, ...]
    types: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Count:
    """A read-only SELECT that returns a number of `noun`; or the reason why it is not made, and no query."""

    noun: str
    query: str
    uses: CountUses | None = None
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Hazard:
    """Something that a statement destroys, blocks, rewrites or fails on, why, and what to do instead."""

    tone: Tone
    what: str
    why: str
    instead: str
    counts: tuple[Count, ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, exactly as written, without its final semicolon.

    `lock` is its strongest table lock, or ""; `alone` is whether it has to run outside a transaction.
    """

    number: int
    line: int
    last_line: int
    text: str
    kind: str
    tables: tuple[str, ...]
    lock: str
    hazards: tuple[Hazard, ...] = ()
    alone: bool = False


@dataclass(frozen=True, slots=True)
class CheckedScript:
    """A checked script. Only the text with this SHA-256 was checked, and it may run if it has no `problems`.

    `note` is a remark on a script without hazards.
    """

    text: str
    sha256: str
    statements: tuple[Statement, ...] = ()
    problems: tuple[SqlProblem, ...] = ()
    note: str = ""

    @property
    def path(self) -> Literal["transaction", "alone"]:
        """Whether it runs in a transaction, or each statement by itself, outside of one."""
        return "alone" if any(statement.alone for statement in self.statements) else "transaction"
