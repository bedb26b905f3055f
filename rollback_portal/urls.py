"""Where everything is. Nouns are addresses; every page but the sign-in is behind it."""

from django.urls import include, path

handler500 = "rollback_portal.web.database_down.fault"
urlpatterns = [
    path("", include("deployments.urls")),
    path("databases/", include("dbtools.urls")),
    path("audit/", include("rollback_portal.audit.urls")),
    path("accounts/", include("rollback_portal.accounts.urls")),
]
