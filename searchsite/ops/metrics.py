"""A few numbers for Prometheus: how much there is, how much waits, and for how long."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from searchsite import config as configuration
from searchsite.indexing import spaces
from searchsite.library import volumes

OPEN_JOBS = """
SELECT queue, state, count(*), coalesce(extract(epoch FROM now() - min(run_at)), 0)::float
FROM job WHERE state IN ('ready', 'running', 'dead') GROUP BY queue, state ORDER BY queue, state
"""
PAUSED = "SELECT kind, extract(epoch FROM now() - since)::float FROM stage_pause ORDER BY kind"
ITEMS = "SELECT kind, count(*) FROM item GROUP BY kind ORDER BY kind"


class Numbers(Collector):
    """Asks the database anew at each visit, so that every web process tells the same."""

    def collect(self) -> Iterable[Metric]:
        """Yield the metrics."""
        jobs = GaugeMetricFamily("searchsite_jobs", "Jobs by queue and state.", labels=["queue", "state"])
        waiting = GaugeMetricFamily(
            "searchsite_oldest_waiting_seconds", "How long the oldest job of a queue has been due.", labels=["queue"]
        )
        items = GaugeMetricFamily("searchsite_items", "Items by kind.", labels=["kind"])
        paused = GaugeMetricFamily("searchsite_paused_seconds", "For how long a stage is paused.", labels=["stage"])
        with connection.cursor() as cursor:
            cursor.execute(PAUSED)
            for kind, seconds in cursor.fetchall():
                paused.add_metric([kind], seconds)
            cursor.execute(OPEN_JOBS)
            for queue, state, number, seconds in cursor.fetchall():
                jobs.add_metric([queue, state], number)
                if state == "ready":
                    waiting.add_metric([queue], max(0.0, seconds))
            cursor.execute(ITEMS)
            for kind, number in cursor.fetchall():
                items.add_metric([kind], number)
        recall = GaugeMetricFamily(
            "searchsite_recall_at_10", "Of the ten nearest, the share found.", labels=["channel"]
        )
        free = GaugeMetricFamily("searchsite_disk_free_bytes", "Bytes that are free on a disk.", labels=["disk"])
        least = GaugeMetricFamily(
            "searchsite_disk_least_bytes", "Below so many free bytes nothing is taken in.", labels=["disk"]
        )
        for volume in volumes.volumes():
            free.add_metric([volume.name], volume.free)
            least.add_metric([volume.name], volume.least)
        space = spaces.active()
        for channel, noted in space.recall.items() if space else ():
            recall.add_metric([channel], noted["recall"])
        return [jobs, waiting, paused, items, recall, free, least]


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer the addresses that may know; to all others this page does not exist."""
    listed = request.META.get("REMOTE_ADDR") in configuration.load().metrics_addresses
    # A proxy on this machine has the address of this machine, whoever asks through it.
    if not listed or getattr(request, "passed_on", False):
        raise Http404
    registry = CollectorRegistry()
    registry.register(Numbers())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
