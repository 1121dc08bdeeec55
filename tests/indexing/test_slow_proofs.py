"""An embedder hangs or fails while it is to show that it is the same: nobody waits long, no job is blamed."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from searchsite.indexing import fingerprints, provider, worker
from searchsite.jobs.models import Job
from searchsite.search.find import find
from searchsite.search.notices import AWAY
from searchsite.search.questions import Question, Term
from tests import made

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def indexed(inbox, fake):
    """One note, embedded by a worker; this process has not yet looked whether the embedder is the same."""
    made.note(inbox, "Tulips want sun.")
    made.work_through_everything()
    provider.client().info()
    fingerprints.forget()
    return inbox


def test_searches_do_not_queue_up_before_an_embedder_that_hangs(indexed, fake):
    fake.fault = "hang"

    def seconds(word: str) -> float:
        start = time.monotonic()
        try:
            assert AWAY in find(Question((Term(text=word),)), indexed.scope).notes
        finally:
            connections.close_all()
        return time.monotonic() - start

    with ThreadPoolExecutor(4) as threads:
        assert max(threads.map(seconds, ["sun", "rain", "wind", "shade"])) < 25


@pytest.mark.parametrize("fault", ["nan", "400", "html"])
def test_no_job_is_blamed_for_it(indexed, fake, fault):
    made.note(indexed, "Roses want rain.")
    fake.fault = fault
    worker.work("embed")
    (job,) = Job.objects.filter(kind="embed").exclude(state="done")
    assert (job.state, job.attempts) == ("ready", 0)
    assert job.last_error
