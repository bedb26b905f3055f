"""A schema as plain values: read from PostgreSQL's catalog, fingerprinted and compared."""

from __future__ import annotations

from dbtools.postgres.catalog.compare import differences
from dbtools.postgres.catalog.model import Catalog, Facet
from dbtools.postgres.catalog.read import read

__all__ = ["Catalog", "Facet", "differences", "read"]
