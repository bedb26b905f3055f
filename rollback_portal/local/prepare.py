"""What has to be true before the first page: tables, static files, people. Runs in its own process.

`python -m rollback_portal.local.prepare tables`, `… company` or `… static`. What the terminal should know is
printed as one line of JSON; everything else goes to the log.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rollback_portal.settings")


def tables() -> dict[str, object]:
    """Bring the database up to date and see who can sign in."""
    from django.conf import settings
    from django.core.management import call_command

    from rollback_portal import env
    from rollback_portal.accounts.models import User
    from rollback_portal.local import people

    call_command("migrate", interactive=False, verbosity=1)
    sandbox_only = all(provider["sandbox"] for provider in settings.PROVIDERS.values())
    if sandbox_only:
        return {"people": people.welcome(env.data_folder() / "people.json")}
    people.send_away()
    return {"people": [], "anyone": User.objects.filter(is_active=True).exists()}


def company() -> dict[str, object]:
    """Make the sandbox company's database, the one that the wizard can be tried on."""
    from rollback_portal import env
    from rollback_portal.local import company

    company.move_in(env.data_folder(), env.secret("DATABASE_URL"))
    return {}


def static() -> dict[str, object]:
    """Put the static files where the web server takes them from, under names that change with them."""
    from django.core.management import call_command

    call_command("collectstatic", interactive=False, verbosity=0)
    return {}


def main() -> None:
    import django

    with contextlib.redirect_stdout(sys.stderr):
        django.setup()
        told = {"tables": tables, "company": company, "static": static}[sys.argv[1]]()
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
