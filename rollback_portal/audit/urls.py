"""The audit log and its filters."""

from django.urls import path

from rollback_portal.audit import views

urlpatterns = [path("", views.audit, name="audit")]
