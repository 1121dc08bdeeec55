"""The meter: who pays for a call, exactly, and what is kept of it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from searchsite.accounts import ledger, meter, teams
from searchsite.accounts.models import ProviderCall, Team, Usage, User
from searchsite.inference import types

pytestmark = pytest.mark.usefixtures("nothing_used")
HOST = "openrouter.ai"


def used(**more) -> types.Usage:
    """A paid call for 3 inputs of 10 tokens each."""
    fields = {"operation": "embed", "embedder": "qwen/qwen3-embedding-8b", "calls": 1, "inputs": 3, "tokens": 30}
    return types.Usage(**fields | {"seconds": 0.5, "provider": HOST} | more)


@pytest.fixture
def den(charlie: User) -> Team:
    return teams.create_team("den", charlie)


def test_a_call_is_shared_by_the_inputs_of_each_team(team, den) -> None:
    with meter.paying([team.pk, den.pk, team.pk]):
        meter.record(used(cost=0.0003))
    mine, theirs = ProviderCall.objects.order_by("team_id")
    assert (mine.team, mine.calls, mine.inputs, mine.tokens, mine.cost) == (team, 1, 2, 20, Decimal("0.0002"))
    assert (theirs.team, theirs.calls, theirs.inputs, theirs.tokens, theirs.cost) == (den, 0, 1, 10, Decimal("0.0001"))


counts = st.integers(0, 10**9)


@given(st.lists(st.sampled_from([None, 1, 2, 3, 4, 5, 6, 7]), min_size=1), counts, counts, st.floats(0, 100))
def test_shares_add_up_exactly(payers: list[int | None], tokens: int, inputs: int, cost: float) -> None:
    whole = used(tokens=tokens, inputs=inputs, calls=7, cost=cost)
    shares = meter.shared(whole, tuple(payers))
    assert sum(share.tokens for share in shares) == tokens
    assert (sum(share.inputs for share in shares), sum(share.calls for share in shares)) == (inputs, 7)
    assert sum(share.cost for share in shares) == meter.cost_of(whole).quantize(meter.SMALLEST, "ROUND_HALF_UP")
    assert [share.team_id for share in shares] == list(dict.fromkeys(payers))


def test_what_the_provider_says_wins_over_the_table(team) -> None:
    assert meter.cost_of(used(cost=0.25)) == Decimal("0.25")
    assert meter.cost_of(used()) == Decimal("0.0000003")


@pytest.mark.parametrize("nonsense", [float("nan"), float("inf"), -1.0, 1e30])
def test_a_cost_that_cannot_be_is_not_believed(nonsense: float) -> None:
    assert meter.cost_of(used(cost=nonsense)) == Decimal("0.0000003")


def test_the_price_of_a_question_is_not_rounded_away(team) -> None:
    with meter.paying([team.pk]):
        for _ in range(10):
            meter.record(used(operation="query", inputs=1, tokens=10))
    assert Usage.objects.get().cost == Decimal("0.000001")


def test_an_unknown_price_is_unknown_and_not_nothing(db) -> None:
    meter.record(used(embedder="nobody/knows"))
    meter.record(used(embedder="nobody/knows", cost=0.5))
    (unknown, known), summed = ProviderCall.objects.order_by("id"), Usage.objects.get()
    assert (unknown.cost, known.cost) == (None, Decimal("0.5"))
    assert (summed.cost, summed.unpriced, summed.inputs) == (Decimal("0.5"), 3, 6)


def test_the_embedded_server_costs_nothing_and_is_only_summed(team) -> None:
    with meter.paying([team.pk]):
        meter.record(used(provider="", embedder="Qwen/Qwen3-VL-Embedding-2B"))
    summed = Usage.objects.get()
    assert (summed.team, summed.cost, summed.unpriced) == (team, 0, 0)
    assert not ProviderCall.objects.exists()


def test_recording_is_one_round_trip(team, den) -> None:
    with (
        meter.paying([team.pk, den.pk]),
        CaptureQueriesContext(
            connection,
        ) as queries,
    ):
        meter.record(used())
    assert len(queries) == 1


def test_numbers_and_names_that_no_column_holds_are_cut(db) -> None:
    meter.record(used(tokens=10**30, output_tokens=-5, embedder="x\0" * 500, provider="y" * 300))
    call = ProviderCall.objects.get()
    assert (call.tokens, call.output_tokens, call.network, len(call.provider)) == (10**12, 0, "x" * 200, 200)


def test_a_failed_call_that_was_charged_is_kept_as_such(db) -> None:
    meter.record(used(failed=True, cost=0.1))
    assert ProviderCall.objects.get().outcome == "failed"


def test_who_pays_is_forgotten_after_the_block(team) -> None:
    with meter.paying([team.pk]):
        pass
    assert meter.payers() == (None,)


def test_what_a_team_spent_outlives_it(team) -> None:
    with meter.paying([team.pk]):
        meter.record(used(cost=2.0))
    team.delete()
    assert ledger.total(Usage.objects.all()).cost == 2
    assert [line.key for line in ledger.lines(Usage.objects.all(), "team")] == [""]


def test_old_calls_are_deleted_and_their_sums_stay(db) -> None:
    meter.record(used())
    meter.record(used())
    ProviderCall.objects.filter(pk=ProviderCall.objects.first().pk).update(at=timezone.now() - timedelta(days=401))
    assert ledger.prune() == 1
    assert (ProviderCall.objects.count(), Usage.objects.get().calls) == (1, 2)
