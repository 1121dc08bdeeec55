"""Probes and metrics."""

from __future__ import annotations

import pytest
from django.test import Client

from searchsite.config import Config
from searchsite.jobs import pausing
from searchsite.ops import first_run, samples

pytestmark = pytest.mark.django_db


def test_it_lives_without_asking_anybody(client: Client) -> None:
    assert client.get("/livez").content == b"ok\n"


def test_it_is_ready_and_names_what_is_missing(client: Client, settings) -> None:
    settings.CONFIG = Config(inference_url="http://127.0.0.1:9")  # nobody listens on the discard port
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["parts"] == {"database": "ok", "broker": "ok", "inference": "does not answer", "disk": "ok"}
    assert answer.json()["degraded"] == ["inference"]


def test_metrics_count_items_and_jobs(client: Client) -> None:
    samples.add_sample_library(first_run.ensure_first_user("correct horse"))
    text = client.get("/metrics").content.decode()
    notes = float(len(list(samples.FOLDER.glob("notes/*.md"))))
    assert f'searchsite_items{{kind="text"}} {notes}' in text
    assert f'searchsite_jobs{{queue="embed",state="ready"}} {notes}' in text
    assert 'searchsite_oldest_waiting_seconds{queue="decode"}' in text


def test_metrics_tell_a_paused_stage(client: Client) -> None:
    pausing.pause("embed")
    assert 'searchsite_paused_seconds{stage="embed"}' in client.get("/metrics").content.decode()


def test_metrics_do_not_exist_for_strangers(client: Client) -> None:
    assert client.get("/metrics", REMOTE_ADDR="203.0.113.7").status_code == 404


def test_metrics_do_not_exist_for_strangers_behind_a_proxy_of_the_same_machine(client: Client, settings) -> None:
    through = {"headers": {"X-Forwarded-For": "127.0.0.1, 203.0.113.7"}}
    assert client.get("/metrics", **through).status_code == 404
    settings.CONFIG = settings.CONFIG.model_copy(update={"trusted_proxies": ["127.0.0.1"]})
    assert client.get("/metrics", **through).status_code == 404
    assert client.get("/metrics", headers={"X-Forwarded-For": "::1"}).status_code == 404
    assert client.get("/metrics").status_code == 200
