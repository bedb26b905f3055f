"""The job engine's Django app."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "rollback_portal.jobs"
    label = "jobs"
