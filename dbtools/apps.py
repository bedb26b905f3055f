"""The Django app for database rollbacks."""

from django.apps import AppConfig


class DbtoolsConfig(AppConfig):
    name = "dbtools"
    label = "dbtools"
