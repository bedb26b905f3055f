"""The accounts app; it updates the groups of the roles after every `migrate`."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from rollback_portal import checks  # noqa: F401  (registers itself)


class AccountsConfig(AppConfig):
    name = "rollback_portal.accounts"
    label = "accounts"

    def ready(self) -> None:
        from rollback_portal.accounts.roles import keep_groups

        post_migrate.connect(keep_groups, dispatch_uid="accounts.keep_groups")
