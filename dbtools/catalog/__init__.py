"""A schema as plain values: read from PostgreSQL's catalog, digested, compared."""

from __future__ import annotations

from dbtools.catalog.comparison import differences
from dbtools.catalog.model import Catalog, Facet
from dbtools.catalog.reading import read

__all__ = ["Catalog", "Facet", "differences", "read"]
