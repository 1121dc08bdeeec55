"""The Celery application: a doorbell for the job table, which alone is durable."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "searchsite.settings")
# Django's checks would load all pages into each worker: a second, and 20 MB.
os.environ.setdefault("CELERY_SKIP_CHECKS", "true")

app = Celery("searchsite")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["searchsite.indexing", "searchsite.quality"])
