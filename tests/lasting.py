"""Which files of tests last, so that they begin first: whoever ends last should have little left to wait for.

Longest first, from twelve seconds on by themselves on one core. A file that is missing here comes after them, by its
number of tests.
"""

from __future__ import annotations

RUNNING = "the running house"
WAITING = (
    "tests/everyday/test_reach.py",
    "tests/everyday/test_searching.py",
    "tests/indexing/test_outages.py",
    "tests/journeys",
    "tests/indexing/test_stopping.py",
    RUNNING,
    "tests/indexing/test_kill_and_count.py",
    "tests/indexing/test_steps.py",
    "tests/ops/test_backup.py",
    "tests/everyday/test_items.py",
    "tests/everyday/test_quality.py",
    "tests/everyday/test_selecting.py",
    "tests/everyday/test_composing.py",
    "tests/everyday/test_uploading.py",
    "tests/everyday/test_looks.py",
    "tests/everyday/test_admin.py",
    "tests/everyday/test_duplicates.py",
    "tests/everyday/test_formats.py",
    "tests/everyday/test_queue.py",
    "tests/answers/test_asking.py",
    "tests/everyday/test_notes.py",
    "tests/everyday/test_suggesting.py",
    "tests/indexing/test_switching.py",
    "tests/web/test_rights_at_once.py",
    "tests/answers/test_browser.py",
)
"""They wait for houses, browsers and leases."""
COMPUTING = (
    "tests/attacks/test_every_address.py",
    "tests/library/test_hostile_files.py",
    "tests/attacks/test_hostile_words.py",
    "tests/api/test_conformance.py",
    "tests/inference/test_server.py",
    "tests/web/test_admin_costs.py",
    "tests/search/test_find.py",
    "tests/search/test_conditions.py",
    "tests/search/test_vectors.py",
    "tests/indexing/test_calibration.py",
    "tests/library/test_decoder.py",
    "tests/attacks/test_strangers.py",
    "tests/search/test_the_rule.py",
    "tests/search/test_graphs.py",
    "tests/inference/test_streams.py",
    "tests/inference/test_engine.py",
    "tests/indexing/test_stages.py",
    "tests/web/test_viewer.py",
    "tests/indexing/test_captions.py",
)
"""They keep a core busy."""


def rank(scope: str, tests: int, *, waits: bool) -> tuple[int, int]:
    """The higher, the sooner it is for a process: one of those that take what waits first, or one of the others.

    Of what lasts, each takes its own kind first. Then come files of few tests, for they wait rather than compute, or
    of many; and the other's kind at last.
    """
    own, others = (WAITING, COMPUTING) if waits else (COMPUTING, WAITING)
    if scope in own:
        return 2, -own.index(scope)
    if scope in others:
        return 0, -others.index(scope)
    return 1, -tests if waits else tests
