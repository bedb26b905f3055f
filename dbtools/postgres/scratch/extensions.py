"""The extensions that the portal makes on its own server for rehearsals; every other is named in words.

None of these reads files, opens connections or runs programs. They are made by the superuser in an empty
database, before any foreign SQL has run in it, and then belong to the restricted role, as they would to the
owner of a database that has made them.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from dbtools.postgres.client import SQL, Connection, Identifier
from dbtools.postgres.scratch.roles import RESTRICTED

# PostgreSQL lets the owner of a database make these.
TRUSTED = (
    "btree_gin", "btree_gist", "citext", "cube", "dict_int", "fuzzystrmatch", "hstore", "intarray", "isn",
    "lo", "ltree", "pg_trgm", "pgcrypto", "plpgsql", "seg", "tablefunc", "tcn", "tsm_system_rows",
    "tsm_system_time", "unaccent", "uuid-ossp",
)  # fmt: skip
# PostgreSQL asks for a superuser, but what they bring works with the rights of whoever calls it.
NEED_SUPERUSER = (
    "autoinc", "bloom", "dict_xsyn", "earthdistance", "insert_username", "intagg", "moddatetime",
    "pg_stat_statements", "refint", "vector",
)  # fmt: skip
ALLOWED = frozenset({*TRUSTED, *NEED_SUPERUSER})
NAME = r'(?:"(?P<{0}>[^"]+)"|(?P<{0}_plain>\w+))'
CREATES = re.compile(
    rf"\bCREATE\s+EXTENSION\s+(?P<guard>IF\s+NOT\s+EXISTS\s+)?{NAME.format('name')}"
    rf"(?:\s+(?:WITH\s+)?SCHEMA\s+{NAME.format('schema')})?",
    re.IGNORECASE,
)
HAND_OVER = "UPDATE pg_catalog.pg_extension SET extowner = %s::regrole WHERE extname = %s"


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension and the schema that it belongs in; "" for the first of the search path."""

    name: str
    schema: str = ""


def named_in(texts: Iterable[str]) -> tuple[Extension, ...]:
    """The extensions that the SQL says it creates, in order, each once."""
    found: dict[str, Extension] = {}
    for text in texts:
        for match in CREATES.finditer(text):
            name = match["name"] or match["name_plain"].lower()
            schema = match["schema"] or (match["schema_plain"] or "").lower()
            found.setdefault(name, Extension(name, schema))
    return tuple(found.values())


def only_superusers(extensions: Iterable[Extension]) -> tuple[Extension, ...]:
    """Those on the list that a restricted role cannot make when their statement comes."""
    return tuple(extension for extension in extensions if extension.name in NEED_SUPERUSER)


def tolerate_existing(text: str) -> str:
    """The SQL, in which an extension that was made beforehand is no error."""

    def with_guard(match: re.Match[str]) -> str:
        name = match["name"] or match["name_plain"].lower()
        if match["guard"] or name not in NEED_SUPERUSER:
            return match.group()
        return re.sub(r"(?i)(EXTENSION)", r"\1 IF NOT EXISTS", match.group(), count=1)

    return CREATES.sub(with_guard, text)


def why_lacking(names: Sequence[str], available: Container[str], *, embedded: bool, major: int = 0) -> str:
    """Which of these extensions cannot be had on a server for rehearsals, as a sentence; "" if all can."""
    missing = [name for name in names if name not in available]
    if not missing:
        return why_not_allowed(names) if embedded else ""
    where = "embedded server" if embedded else f"server (PostgreSQL {major})"
    way = "Configure a server that has it as scratch." if embedded else "Install it there."
    return f"The {where} for rehearsals lacks the extension {', '.join(missing)}. {way}"


def why_not_allowed(names: Sequence[str]) -> str:
    """Which of these extensions the portal does not make, as a sentence; "" if it makes them all."""
    others = [name for name in names if name not in ALLOWED]
    if not others:
        return ""
    return (
        f"The portal does not make the extension {', '.join(others)} on its own server for rehearsals, "
        "because it may reach beyond its database. Configure a server that has it as scratch."
    )


def provide(connection: Connection, extensions: Iterable[Extension]) -> tuple[str, ...]:
    """Make those on the list in an empty database, as its superuser, for the restricted role.

    Returns:
        The schemas that were made for them.
    """
    made: dict[str, None] = {}
    for extension in extensions:
        if extension.name not in ALLOWED:
            continue
        place = extension.schema or "public"
        if place != "public" and place not in made:
            connection.execute(
                SQL("CREATE SCHEMA {} AUTHORIZATION {}").format(Identifier(place), Identifier(RESTRICTED))
            )
            made[place] = None
        connection.execute(
            SQL("CREATE EXTENSION IF NOT EXISTS {} SCHEMA {} CASCADE").format(
                Identifier(extension.name), Identifier(place)
            )
        )
        connection.execute(HAND_OVER, [RESTRICTED, extension.name])
    return tuple(made)
