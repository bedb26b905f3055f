"""The wing's addresses."""

from django.urls import path

from deployments.views import arrange, confirm, dashboard, operations, progress

urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("services/", arrange.services, name="services"),
    path("services/<slug:slug>/", dashboard.service, name="service"),
    path("services/<slug:slug>/edit/", arrange.service_edit, name="service_edit"),
    path("services/<slug:slug>/deployments/<str:provider_id>/", dashboard.deployment, name="deployment"),
    path(
        "services/<slug:slug>/deployments/<str:provider_id>/roll-back/", confirm.roll_back, name="roll_back"
    ),
    path("services/<slug:slug>/deployments/<str:provider_id>/promote/", confirm.promote, name="promote"),
    path("services/<slug:slug>/leave/", confirm.leave, name="leave"),
    path("operations/", operations.operations, name="operations"),
    path("operations/<uuid:pk>/", progress.operation, name="operation"),
    path("operations/<uuid:pk>/cancel/", progress.cancel, name="cancel"),
    path("operations/<uuid:pk>/settle/", progress.settle, name="settle"),
]
