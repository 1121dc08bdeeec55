"""What a thousand pictures would cost with the configured networks, by the price table in the settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from searchsite import config
from searchsite.accounts import prices
from searchsite.inference.stages import Endpoint, Stages
from searchsite.inference.trials import Row
from searchsite.inference.types import Stage

PICTURES = 1000
SUBJECT = "1,000 pictures"


@dataclass(frozen=True)
class Load:
    """What one picture of 1920 x 1080 takes: tokens in, tokens out, and whether it is sent as a picture."""

    tokens: int
    output_tokens: int = 0
    pictures: int = 0


# By the pixel policy: 1792 x 992 at most for an embedder (1,736 tokens and 22 around them), 1,222 for a captioner,
# whose prompt takes 150 and its answer 200.
SEEN = Load(1758, pictures=1)
DESCRIBED = Load(1372, 200, pictures=1)
# Where pictures are found by their words alone: caption, tags, and some text read from them.
WORDS = Load(250)


def rows(stages: Stages, looked_at: Sequence[Row]) -> Iterator[Row]:
    """The price of indexing a thousand pictures, for the stages that answered."""
    answered = {row.stage for row in looked_at} - {row.stage for row in looked_at if row.outcome == "fail"}
    textual = any(row.stage == "embed" and row.subject == "takes pictures" for row in looked_at)
    loads: dict[Stage, tuple[Endpoint | None, Load]] = {
        "embed": (stages.embed, WORDS if textual else SEEN),
        "caption": (stages.caption, DESCRIBED),
    }
    for stage, (endpoint, load) in loads.items():
        if endpoint is not None and stage in answered:
            yield _row(stage, endpoint, load)


def _row(stage: Stage, endpoint: Endpoint, load: Load) -> Row:
    if endpoint.is_local:
        return Row(stage, SUBJECT, "pass", "$0.00: it runs here")
    amounts = {"output_tokens": PICTURES * load.output_tokens, "pictures": PICTURES * load.pictures}
    rate = prices.rate_of(endpoint.network, endpoint.host)
    cost = None if rate is None else rate.cost(PICTURES * load.tokens, **amounts)
    spent = f"{PICTURES * load.tokens:,} tokens" + f", {amounts['output_tokens']:,} made" * bool(load.output_tokens)
    if cost is None:
        advice = f"PRICES says nothing of {endpoint.network}; budgets hold only what the server itself prices."
        return Row(stage, SUBJECT, "warn", f"price not known ({spent})", advice)
    date = config.load().prices_date
    return Row(stage, SUBJECT, "pass", f"about {prices.dollars(cost)} ({spent}; prices of {date})")
