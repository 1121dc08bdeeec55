"""Jobs whose provider will not take them: given back without a limit, unless the same provider takes others.

A provider that is away or asks for patience is no job's fault, however long that lasts. So a refusal has a job tried
alone only where the provider answered something short just before it, and counts towards its end only where it took
something of the same size right after it, again and again for hours.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection
from django.utils.translation import gettext_noop

from searchsite.jobs.queue import ALONE_AFTER, Claim

# Of those alone, one counts every so often: together they take three and a half hours at least.
MOST_REFUSALS, SPACED_SECONDS = 24, 600.0
REFUSED_ALONE = gettext_noop("The provider would not take this, again and again, while it took others.")
REFUSE = """
WITH held AS (
    SELECT job.id, job.token, refusals, %(proven)s AND refused_at IS NOT NULL AND (
        refusals < %(alone)s OR refused_at < statement_timestamp() - make_interval(secs => %(spaced)s)
    ) AS counts
    FROM unnest(%(ids)s::bigint[], %(tokens)s::bigint[]) AS claimed(id, token)
    JOIN job ON job.id = claimed.id AND job.token = claimed.token
), weighed AS (
    SELECT id, token, counts, counts AND refusals + 1 >= %(most)s AS ends FROM held
)
UPDATE job SET state = CASE WHEN ends THEN 'dead' ELSE 'ready' END,
    finished_at = CASE WHEN ends THEN statement_timestamp() END,
    last_error = CASE WHEN ends THEN %(ended)s ELSE %(message)s END,
    attempts = greatest(attempts - 1, 0), lease_until = NULL, refusals = job.refusals + counts::int,
    refused_at = CASE WHEN counts OR refused_at IS NULL THEN statement_timestamp() ELSE refused_at END,
    run_at = statement_timestamp() + make_interval(secs => %(delay)s)
FROM weighed WHERE job.id = weighed.id AND job.token = weighed.token AND state = 'running'
"""


def refuse(claims: Sequence[Claim], message: str, *, delay: float, proven: bool = False) -> None:
    """Give jobs back that a provider refused, without counting the attempt; end one that it alone refuses for hours.

    proven: the provider takes others: something short, or, of a job that is tried alone, something of the same size.
    """
    asked: dict[str, bool | int | float | str | list[int]] = {
        "ids": [one.id for one in claims],
        "tokens": [one.token for one in claims],
        "alone": ALONE_AFTER,
        "most": MOST_REFUSALS,
        "spaced": SPACED_SECONDS,
        "proven": proven,
        "ended": REFUSED_ALONE,
        "message": message.replace("\0", "")[:2000],
        "delay": delay,
    }
    with connection.cursor() as cursor:
        cursor.execute(REFUSE, asked)
