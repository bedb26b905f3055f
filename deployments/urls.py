"""The URLs of the code rollbacks."""

from django.urls import path

from deployments.views import (
    confirm,
    dashboard,
    logs,
    marks,
    now,
    numbers,
    operation,
    operations,
    services,
)

urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("now", now.now, name="now"),
    path("services/", services.services, name="services"),
    path("services/<slug:slug>/", dashboard.service, name="service"),
    path("services/<slug:slug>/numbers/", numbers.numbers, name="service_numbers"),
    path("services/<slug:slug>/logs/", logs.service_logs, name="service_logs"),
    path("services/<slug:slug>/edit/", services.service_edit, name="service_edit"),
    path("services/<slug:slug>/deployments/<str:provider_id>/", dashboard.deployment, name="deployment"),
    path(
        "services/<slug:slug>/deployments/<str:provider_id>/roll-back/", confirm.roll_back, name="roll_back"
    ),
    path("services/<slug:slug>/deployments/<str:provider_id>/mark/", marks.mark, name="mark"),
    path("services/<slug:slug>/deployments/<str:provider_id>/promote/", confirm.promote, name="promote"),
    path("services/<slug:slug>/leave/", confirm.leave, name="leave"),
    path("operations/", operations.operations, name="operations"),
    path("operations/<uuid:pk>/", operation.operation, name="operation"),
    path("operations/<uuid:pk>/logs/", logs.operation_logs, name="operation_logs"),
    path("operations/<uuid:pk>/cancel/", operation.cancel, name="cancel"),
    path("operations/<uuid:pk>/stop-waiting/", operation.stop_waiting, name="stop_waiting"),
    path("operations/<uuid:pk>/settle/", operation.settle, name="settle"),
]
