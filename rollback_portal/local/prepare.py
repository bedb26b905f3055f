"""Steps before the first page, each in a process of its own: tables, practice data, static files.

`python -m rollback_portal.local.prepare tables`, `… company` or `… static`. The result is printed as one line
of JSON on standard output; everything else goes to the log.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rollback_portal.settings")


def tables() -> dict[str, object]:
    """Migrate the database, and find out who can sign in."""
    from django.conf import settings
    from django.core.management import call_command

    from rollback_portal import env
    from rollback_portal.accounts.models import User
    from rollback_portal.local import people

    call_command("migrate", interactive=False, verbosity=1)
    sandbox_only = all(provider["sandbox"] for provider in settings.PROVIDERS.values())
    if sandbox_only:
        return {"people": people.activate(env.data_folder() / "people.json")}
    people.deactivate()
    return {"people": [], "anyone": User.objects.filter(is_active=True).exists()}


def company() -> dict[str, object]:
    """Make the sandbox company's database, on which the wizard can be tried."""
    from rollback_portal import env
    from rollback_portal.local import company

    company.make_database(env.data_folder(), env.secret("DATABASE_URL"))
    return {}


def static() -> dict[str, object]:
    """Collect the static files for the web server, under names with a hash of their content."""
    from django.core.management import call_command

    call_command("collectstatic", interactive=False, verbosity=0)
    return {}


def main() -> None:
    import django

    with contextlib.redirect_stdout(sys.stderr):
        django.setup()
        result = {"tables": tables, "company": company, "static": static}[sys.argv[1]]()
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
