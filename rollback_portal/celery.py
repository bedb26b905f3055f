"""The workers' way in. The queue is a doorbell: rows say what there is to do."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rollback_portal.settings")

app = Celery("rollback_portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["deployments", "dbtools"])
