"""The addresses below /databases/. Actions that ask for the password again come before the others."""

from django.urls import path, re_path

from dbtools.views import actions, databases, files, wizard

urlpatterns = [
    path("", databases.databases, name="databases"),
    path("rollbacks/<int:pk>/", wizard.wizard, name="database_rollback"),
    path("rollbacks/<int:pk>/upload/", files.upload, name="database_upload"),
    path("rollbacks/<int:pk>/download/", files.download, name="database_backup"),
    re_path(
        rf"^rollbacks/(?P<pk>\d+)/(?P<name>{'|'.join(actions.PASSWORD_ACTIONS)})/$",
        actions.act_with_password,
        name="database_password_action",
    ),
    path("rollbacks/<int:pk>/<slug:name>/", actions.act, name="database_action"),
    path("<slug:name>/start/", databases.start, name="database_start"),
]
