"""What is true of a schema's objects beside their definition: rights, owners, comments and the like.

Most of it no dump of a schema shows, and an object that is made anew loses it in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from dbtools.postgres import client
from dbtools.postgres.client import SQL, Connection, DatabaseAddress
from dbtools.rehearsal.differences.attribute_queries import attributes_query
from dbtools.rehearsal.differences.original_rights import OriginalRights

NOT_SHOWN = re.compile(r'(?<![\w"$])public\.|"')
Place = tuple[int, int, int]  # as in pg_depend: catalog, object, column
OWNER, RIGHT, POPULATION, PUBLICATION = "owner", "right", "population", "publication"
FILLED, NEVER_FILLED, WITHOUT_ROWS = "filled", "never filled", "filled, without a row"


@dataclass(frozen=True, slots=True)
class DescribedObject:
    """An object by its kind and name, with the value of each attribute by kind and detail."""

    type: str
    identity: str
    schema: str
    values: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def name(self) -> tuple[str, str]:
        return self.type, self.identity

    @property
    def shown(self) -> str:
        return f"{self.type} {NOT_SHOWN.sub('', self.identity)}"


@dataclass(frozen=True, slots=True)
class AttributeDifference:
    """One attribute of one object, before and after; "" where it has none.

    `before_name` and `after_name` are its kind and name then: it may have been renamed.
    """

    kind: str
    shown: str
    detail: str
    before: str
    after: str
    before_name: tuple[str, str]
    after_name: tuple[str, str]


@dataclass(frozen=True)
class Attributes:
    """The objects of one database."""

    objects: Mapping[Place, DescribedObject]
    role: str

    def value(self, name: tuple[str, str], kind: str, detail: str) -> str:
        """The value for the object of this kind and name; "" where it has none."""
        found = next((each for each in self.objects.values() if each.name == name), None)
        return found.values.get((kind, detail), "") if found else ""


def read_attributes(address: DatabaseAddress, original: OriginalRights) -> Attributes:
    """Read those of the whole database.

    Args:
        original: names the schemas that a publication holds as a whole: a copy cannot have such a one.
    """
    with client.connect(address, "rehearsal", autocommit=True) as connection:
        connection.execute("SET search_path = ''")
        connection.execute("SET jit = off")
        rows = connection.execute(attributes_query(connection.info.server_version).encode()).fetchall()
        objects: dict[Place, DescribedObject] = {}
        for class_, oid, sub, type_, identity, schema, kind, detail, value in rows:
            described = objects.setdefault((class_, oid, sub), DescribedObject(type_, identity, schema))
            if kind is not None and value is not None:
                described.values[kind, detail] = value
        _look_into_views(connection, objects.values())
    for described in objects.values():
        if described.type == "table":
            for publication, schema in original.published_schemas:
                if schema == described.schema:
                    described.values[PUBLICATION, publication] = "member, by its schema"
    return Attributes(objects, address.user)


def _look_into_views(connection: Connection, objects: Iterable[DescribedObject]) -> None:
    """A materialized view that is filled may be so from empty tables."""
    for described in objects:
        if described.values.get((POPULATION, "")) == FILLED:
            query = SQL("SELECT EXISTS (SELECT FROM {})").format(SQL(described.identity))
            row = connection.execute(query).fetchone()
            if row and not row[0]:
                described.values[POPULATION, ""] = WITHOUT_ROWS


def differences(
    before: Attributes, after: Attributes, original: OriginalRights
) -> Iterator[AttributeDifference]:
    """The attributes that differ on objects that stay, or are made anew under the same name."""
    by_name = {described.name: described for described in after.objects.values()}
    for place, then in before.objects.items():
        stays = after.objects.get(place)
        now = stays or by_name.get(then.name)
        if now is None:
            continue
        values = then.values | _owner(then, original)
        others = now.values | _owner_now(then, now, original, after.role, made_anew=stays is None)
        for kind, detail in sorted({*values, *others}):
            was, is_ = values.get((kind, detail), ""), others.get((kind, detail), "")
            if was != is_:
                yield AttributeDifference(kind, then.shown, detail, was, is_, then.name, now.name)


def _owner(then: DescribedObject, original: OriginalRights) -> dict[tuple[str, str], str]:
    """Who owns it on its own server: on the copy, everything belongs to the role of the rehearsal."""
    if (OWNER, "") not in then.values:
        return {}
    return {(OWNER, ""): original.owners.get(then.name, original.role)}


def _owner_now(
    then: DescribedObject, now: DescribedObject, original: OriginalRights, role: str, *, made_anew: bool
) -> dict[tuple[str, str], str]:
    """Who would own it there afterwards: what is made anew belongs to the role that runs the SQL."""
    owner = now.values.get((OWNER, ""))
    if owner is None:
        return {}
    if not made_anew and owner == then.values.get((OWNER, "")):
        return _owner(then, original)
    return {(OWNER, ""): original.role if owner == role else owner}
