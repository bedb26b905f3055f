"""How each command ends, as a number for scripts. The help of each command prints this table."""

from __future__ import annotations

from rollback_portal.command import DATABASE_AWAY, DONE, INTERRUPTED, REFUSED, UNCLEAR

FAILED, NOT_READ = 3, 6

MEANINGS = {
    DONE: "done: the target serves, or what was asked for was printed",
    REFUSED: "refused: nothing was started, and the sentence says why",
    FAILED: "failed, canceled, or the target serves and fails: the sentence says what is true now",
    UNCLEAR: "unclear: somebody has to look at the provider",
    DATABASE_AWAY: "PostgreSQL is away, nothing was started: the commands to act by hand are printed",
    NOT_READ: "status --fresh: a provider could not be read, so what is printed may be old",
    INTERRUPTED: "interrupted with Ctrl-C: an operation that was started is kept, a dispatcher goes on",
}
HELP = "exit codes:\n" + "\n".join(f"  {code:<4} {meaning}" for code, meaning in MEANINGS.items())
