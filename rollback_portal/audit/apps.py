"""The audit log's Django app."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "rollback_portal.audit"
    label = "audit"
