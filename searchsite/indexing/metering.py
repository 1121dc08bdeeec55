"""What stands between the client of inference and the accounts: may a call go out, and what did it cost?

The module itself is the client's meter.
"""

from __future__ import annotations

from django.utils import timezone

from searchsite.accounts import budgets, meter, prices
from searchsite.inference.errors import OutOfBudget
from searchsite.inference.stages import Endpoint
from searchsite.inference.types import Usage
from searchsite.steps import Step, reached

CALLED = {"read": Step.READ_CALLED, "caption": Step.CAPTION_CALLED, "embed": Step.EMBED_CALLED}


def admit(operation: str, endpoint: Endpoint) -> None:
    """Let a call go out. Raises OutOfBudget where a budget of those who pay is spent; what is free always goes."""
    if is_free(endpoint):
        return
    budget = budgets.spent(meter.payers())
    if budget is not None:
        raise OutOfBudget(budget.sentence, retry_after=budget.seconds_left(timezone.now()))


def record(usage: Usage) -> None:
    """Write down what a call cost, shared among those who pay."""
    if usage.operation in CALLED:
        reached(CALLED[usage.operation])
    meter.record(usage)


def is_free(endpoint: Endpoint) -> bool:
    """Whether nobody's budget is touched: the embedded server, or a network that is listed at no price."""
    if endpoint.is_local:
        return True
    rate = prices.rate_of(endpoint.network, endpoint.host)
    return rate is not None and rate.is_free
