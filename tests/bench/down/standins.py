"""Stand-ins for extensions that the server does not have, so that a history can be replayed without them.

A schema depends only on names and types, so most of the functions do nothing. Functions that return random
values are implemented, because a loop that waits for a long enough identifier has to end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from dbtools.postgres import client
from dbtools.postgres.client import SQL, DatabaseAddress, Literal

COMMENT = re.compile(r"--[^\n]*")
CREATE_EXTENSION = re.compile(r"CREATE\s+EXTENSION\s+(?:IF\s+NOT\s+EXISTS\s+)?\"?([\w-]+)\"?", re.IGNORECASE)
FUNCTION = "CREATE FUNCTION {} RETURNS {} LANGUAGE sql AS $$ {} $$;\n"
RANDOM = "SELECT string_agg(substr(uuid_send(gen_random_uuid()), 1, 1), '') FROM generate_series(1, $1)"
BODIES = {
    "gen_random_bytes(integer)": RANDOM,
    "uuid_generate_v1()": "SELECT gen_random_uuid()",
    "uuid_generate_v1mc()": "SELECT gen_random_uuid()",
    "uuid_generate_v4()": "SELECT gen_random_uuid()",
}
SCRIPTS = {
    "pgcrypto": (
        ("digest(text, text)", "bytea"), ("digest(bytea, text)", "bytea"),
        ("hmac(text, text, text)", "bytea"),
        ("hmac(bytea, bytea, text)", "bytea"), ("crypt(text, text)", "text"), ("gen_salt(text)", "text"),
        ("gen_salt(text, integer)", "text"), ("gen_random_bytes(integer)", "bytea"),
        ("encrypt(bytea, bytea, text)", "bytea"), ("decrypt(bytea, bytea, text)", "bytea"),
        ("pgp_sym_encrypt(text, text)", "bytea"), ("pgp_sym_decrypt(bytea, text)", "text"),
    ),
    "uuid-ossp": (
        ("uuid_generate_v1()", "uuid"), ("uuid_generate_v1mc()", "uuid"), ("uuid_nil()", "uuid"),
        ("uuid_generate_v3(uuid, text)", "uuid"), ("uuid_generate_v4()", "uuid"),
        ("uuid_generate_v5(uuid, text)", "uuid"),
    ),
}  # fmt: skip


def provide(server: DatabaseAddress, folder: Path, texts: Iterable[str]) -> list[str]:
    """Create stand-ins for the extensions that the texts need and the server lacks; return their names."""
    wanted = {
        match[1].lower() for text in texts for match in CREATE_EXTENSION.finditer(COMMENT.sub("", text))
    }
    with client.connect(server, "bench", autocommit=True) as connection:
        rows = connection.execute("SELECT name FROM pg_available_extensions").fetchall()
        missing = sorted(wanted - {name for (name,) in rows})
        if missing and connection.info.server_version >= 180_000:
            here = folder / "extension"
            here.mkdir(mode=0o755)
            for name in missing:
                _write(here, name)
            path = Literal(f"{folder}:$system")
            connection.execute(SQL("ALTER ROLE ALL SET extension_control_path = {}").format(path))
            return missing
    return []


def _write(folder: Path, name: str) -> None:
    (folder / f"{name}.control").write_text("default_version = '1.0'\nrelocatable = true\ntrusted = true\n")
    script = "".join(
        FUNCTION.format(what, kind, BODIES.get(what, f"SELECT NULL::{kind}"))
        for what, kind in SCRIPTS.get(name, ())
    )
    (folder / f"{name}--1.0.sql").write_text(script)
