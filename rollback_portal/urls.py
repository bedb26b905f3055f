"""All addresses. Every page except the sign-in page requires a signed-in user."""

from django.urls import include, path

handler500 = "rollback_portal.web.database_down.handle_exception"
urlpatterns = [
    path("", include("deployments.urls")),
    path("databases/", include("dbtools.urls")),
    path("audit/", include("rollback_portal.audit.urls")),
    path("accounts/", include("rollback_portal.accounts.urls")),
]
