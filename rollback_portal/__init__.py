"""The ground floor: what both wings stand on. It knows neither wing."""

from rollback_portal.celery import app as celery_app

__all__ = ["celery_app"]
