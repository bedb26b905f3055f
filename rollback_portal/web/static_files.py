"""Static files with a hash of their content in their names, so that browsers may keep them for good."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage  # type: ignore[import-untyped]

IMPORT = r"""(?P<matched>(?P<start>import\b[^"';]*)["'](?P<url>\./[\w.]+)["'];)"""
MODULES = ("js/*.js", ((IMPORT, '%(start)s"%(url)s";'),))


class StaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Also puts the hashed names into the imports between the portal's own JavaScript modules.

    Django's `support_js_module_import_aggregation` does that for every file, and fails: a file of django_htmx
    has a type annotation in a comment that looks like the import of a file that does not exist.
    """

    patterns = (*CompressedManifestStaticFilesStorage.patterns, MODULES)
