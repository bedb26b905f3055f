"""The wizard wing's Django app."""

from django.apps import AppConfig


class DbtoolsConfig(AppConfig):
    name = "dbtools"
    label = "dbtools"
