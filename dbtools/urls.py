"""The addresses below /databases/."""

from django.urls import path

from dbtools.views import actions, databases, files, wizard

urlpatterns = [
    path("", databases.databases, name="databases"),
    path("rollbacks/<int:pk>/", wizard.wizard, name="database_rollback"),
    path("rollbacks/<int:pk>/upload/", files.upload, name="database_upload"),
    path("rollbacks/<int:pk>/download/", files.download, name="database_backup"),
    path("rollbacks/<int:pk>/<slug:name>/", actions.act, name="database_action"),
    path("<slug:name>/start/", databases.start, name="database_start"),
]
