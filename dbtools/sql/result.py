"""What the static check says about a script, in plain values that can be stored and drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tone = Literal["loses", "blocks", "rewrites", "fails"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a script may be, and what reading it may cost.

    `in_request` is how many bytes may be parsed in the process that asks: at worst 0.2 s per KB were measured
    on a busy machine. What is larger has a process of its own (`dbtools.sql.isolated`), which ends after `seconds`
    and has no more than `memory` bytes. Measured: 1 MB of INSERT takes 1.5 to 3.5 s of a processor and 0.3
    GB; 1 MB of chained expressions takes more than 10 s, and is refused.
    `depth` bounds how many parts one expression may chain: the parser recurses over them and, measured with
    pglast 8.8, ends the whole process at about 15,000 on a stack of 8 MB.
    """

    in_request: int = 16 * 1024
    bytes: int = 1_000_000
    seconds: int = 10
    memory: int = 1024**3
    statements: int = 2_000
    depth: int = 4_000
    nested_comments: int = 100


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Problem:
    """A hard stop. `line` counts from 1; 0 is the whole text."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Count:
    """A question to the database whose answer is a number of `noun`: one read-only SELECT."""

    noun: str
    query: str


@dataclass(frozen=True, slots=True)
class Hazard:
    """What a statement would destroy or block: what, why, what to do instead."""

    tone: Tone
    what: str
    why: str
    instead: str
    counts: tuple[Count, ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, exactly as written, without its final semicolon.

    `lock` is the strongest table lock that it takes, "" where it takes none.
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
class Script:
    """A checked script. Only the text with this SHA-256 was checked, and only while it `runs`.

    `note` says what is particular about a script that has no hazard.
    """

    text: str
    sha256: str
    statements: tuple[Statement, ...] = ()
    problems: tuple[Problem, ...] = ()
    note: str = ""

    @property
    def runs(self) -> bool:
        """Whether there is something to run and nothing against it."""
        return bool(self.statements) and not self.problems

    @property
    def path(self) -> Literal["transaction", "alone"]:
        """Whether it runs in the wizard's transaction, or by itself on the path of its own."""
        return "alone" if any(statement.alone for statement in self.statements) else "transaction"
