"""The wing's addresses. What asks for the password again is named before the other acts."""

from django.urls import path, re_path

from dbtools.views import actions, databases, files, forms, wizard

urlpatterns = [
    path("", databases.databases, name="databases"),
    path("rollbacks/<int:pk>/", wizard.wizard, name="database_rollback"),
    path("rollbacks/<int:pk>/upload/", files.upload, name="database_upload"),
    path("rollbacks/<int:pk>/download/", files.download, name="database_backup"),
    re_path(
        rf"^rollbacks/(?P<pk>\d+)/(?P<name>{'|'.join(forms.GRAVE)})/$",
        actions.grave_act,
        name="database_grave_act",
    ),
    path("rollbacks/<int:pk>/<slug:name>/", actions.act, name="database_act"),
    path("<slug:name>/start/", databases.start, name="database_start"),
]
