"""The Celery app. A message only says that a row is due; the row itself is the job."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rollback_portal.settings")

app = Celery("rollback_portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["deployments", "dbtools"])
app.autodiscover_tasks(["rollback_portal.jobs.process"], related_name="celery_worker")
