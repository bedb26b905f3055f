"""The core: what both apps are built on. It knows neither of them."""

from rollback_portal.celery import app as celery_app

__all__ = ["celery_app"]
