"""The servers that the tests themselves stand on."""

from __future__ import annotations

import pytest
from django.db import connection

from searchsite import config as configuration
from searchsite.config import Config
from searchsite.ops import broker, household, postgres

pytestmark = pytest.mark.django_db


def test_the_database_is_a_postgres_with_vectors() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select '[1,2]'::halfvec <=> '[2,1]'::halfvec, unaccent('é'), current_setting('jit')")
        assert cursor.fetchone() == (pytest.approx(0.2, abs=1e-3), "e", "off")


def test_the_broker_answers() -> None:
    assert broker.answers(configuration.load()) is None


def test_a_database_that_is_not_there_is_named() -> None:
    nowhere = configuration.load().model_copy(update={"data_dir": configuration.ROOT / "nowhere"})
    assert "No such file" in (postgres.answers(nowhere) or "")


def test_the_inference_server_answers(inference_server: Config) -> None:
    assert household.inference_answers(inference_server) is None
