"""What the queue says to the database."""

from __future__ import annotations

# What Job.objects.bulk_create would do, with less CPU: it runs at each upload.
ENQUEUE = """
INSERT INTO job (kind, queue, lane, team_id, subject, space_id, input_hash, state, token, attempts, deaths, last_error)
SELECT kind, queue, lane, team_id, subject, space_id, input_hash, 'ready', 0, 0, 0, ''
FROM unnest(%s::text[], %s::text[], %s::smallint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bytea[])
    AS new (kind, queue, lane, team_id, subject, space_id, input_hash)
ON CONFLICT DO NOTHING
"""
# Two statements, so that each uses its own partial index. Rows that have died too often are buried first and so
# are never handed out again.
BURY = """
UPDATE job SET state = 'dead', lease_until = NULL, finished_at = statement_timestamp(), last_error = %s,
    deaths = deaths + 1
WHERE queue = %s AND state = 'running' AND lease_until < statement_timestamp() AND deaths + 1 >= %s
"""
# An abandoned job; and, with `picked` of another making, those that wait. What RETURNING gives is in no order.
CLAIM = """
UPDATE job SET state = 'running', token = token + 1, attempts = attempts + 1, deaths = deaths + {died},
    lease_until = statement_timestamp() + make_interval(secs => %(lease)s)
FROM picked WHERE job.id = picked.id
RETURNING job.id, kind, queue, subject, team_id, space_id, input_hash, token, attempts, deaths, lane, refusals,
    refused_at IS NOT NULL, place
"""
# A queue is named after its kind, so whether that is paused is asked once a claim, and not of each row.
NOT_PAUSED = "NOT EXISTS (SELECT FROM stage_pause WHERE stage_pause.kind = %(queue)s)"
CLAIM_EXPIRED = f"""
WITH picked AS (
    SELECT id, 1 AS place FROM job WHERE queue = %(queue)s AND state = 'running' AND lease_until < statement_timestamp()
        AND {NOT_PAUSED}
        AND coalesce(space_id, 0) <> ALL(%(without)s::bigint[]) AND team_id <> ALL(%(without_teams)s::bigint[])
    ORDER BY lane, lease_until, id LIMIT 1 FOR UPDATE SKIP LOCKED
)
""" + CLAIM.format(died=1)
# `line`: the first job of each lane, team and space, found by one jump in the index for each. Those of a lane that are
# due share what is handed out; what one cannot use goes to the others, and only then to the next lane. The rows of a
# line are locked one by one as they are needed, so several who claim at once do not keep them from each other.
# Measured with 32 a claim, one team and fifty: 2.1 and 2.1 ms of 100,000 rows, 2.1 and 3.5 ms of a million, where
# claiming in the order of lanes and times alone took 1.2 to 2.2 ms.
CLAIM_READY = f"""
WITH RECURSIVE line AS (
    (SELECT lane, team_id, coalesce(space_id, 0) AS space, run_at FROM job
    WHERE queue = %(queue)s AND state = 'ready' AND {NOT_PAUSED}
    ORDER BY lane, team_id, coalesce(space_id, 0), run_at LIMIT 1)
    UNION ALL
    SELECT next.* FROM line CROSS JOIN LATERAL (
        SELECT lane, team_id, coalesce(space_id, 0) AS space, run_at FROM job
        WHERE queue = %(queue)s AND state = 'ready'
            AND (lane, team_id, coalesce(space_id, 0)) > (line.lane, line.team_id, line.space)
        ORDER BY lane, team_id, coalesce(space_id, 0), run_at LIMIT 1
    ) AS next
), due AS MATERIALIZED (
    SELECT lane, team_id, space, ceil(%(limit)s::float8 / count(*) OVER (PARTITION BY lane))::bigint AS share
    FROM line WHERE run_at <= statement_timestamp()
        AND space <> ALL(%(without)s::bigint[]) AND team_id <> ALL(%(without_teams)s::bigint[])
), in_turn AS MATERIALIZED (
    SELECT job.id FROM (
        SELECT due.*, share * again AS skipped, CASE again WHEN 0 THEN share ELSE %(limit)s END AS most
        FROM due CROSS JOIN (VALUES (0), (1)) AS turn (again)
        LEFT JOIN unnest(%(lanes)s::smallint[], %(teams)s::bigint[], %(spaces)s::bigint[])
            AS last (lane, team_id, space) USING (lane)
        ORDER BY lane <> %(first)s, lane, again,
            (due.team_id, due.space) <= (coalesce(last.team_id, 0), coalesce(last.space, 0)), due.team_id, due.space
    ) AS turn CROSS JOIN LATERAL (
        SELECT id FROM job WHERE queue = %(queue)s AND state = 'ready' AND lane = turn.lane
            AND team_id = turn.team_id AND coalesce(space_id, 0) = turn.space AND run_at <= statement_timestamp()
        ORDER BY run_at, id OFFSET turn.skipped LIMIT turn.most FOR UPDATE SKIP LOCKED
    ) AS job LIMIT %(limit)s
), picked AS MATERIALIZED (
    SELECT id, row_number() OVER () AS place FROM in_turn
)
""" + CLAIM.format(died=0)
WAITED_FOR = f"""
SELECT EXISTS (
    SELECT FROM job WHERE queue = %(queue)s AND state = 'ready' AND lane = %(lane)s AND run_at <= statement_timestamp()
) AND {NOT_PAUSED}
"""
HEARTBEAT = """
UPDATE job SET lease_until = statement_timestamp() + make_interval(secs => %s)
FROM unnest(%s::bigint[], %s::bigint[]) AS held(id, token)
WHERE job.id = held.id AND job.token = held.token AND state = 'running'
"""
FINISH = """
UPDATE job SET state = 'done', lease_until = NULL, finished_at = statement_timestamp(), last_error = ''
FROM unnest(%s::bigint[], %s::bigint[]) AS held(id, token)
WHERE job.id = held.id AND job.token = held.token AND state = 'running'
RETURNING job.id
"""
FAIL = """
UPDATE job SET last_error = %(message)s, lease_until = NULL, deaths = deaths + %(died)s,
    state = CASE WHEN ended THEN 'dead' ELSE 'ready' END, finished_at = CASE WHEN ended THEN statement_timestamp() END,
    run_at = statement_timestamp() + make_interval(secs => %(wait)s)
FROM (
    SELECT id, attempts - deaths - %(died)s >= %(attempts)s OR deaths + %(died)s >= %(deaths)s AS ended
    FROM job WHERE id = %(id)s
) AS counted
WHERE job.id = counted.id AND token = %(token)s AND state = 'running'
"""
RELEASE = """
UPDATE job SET state = 'ready', attempts = greatest(attempts - 1, 0), lease_until = NULL, last_error = %s,
    run_at = statement_timestamp() + make_interval(secs => %s)
FROM unnest(%s::bigint[], %s::bigint[]) AS held(id, token)
WHERE job.id = held.id AND job.token = held.token AND state = 'running'
"""
# Jumps from line to line, too: of a million jobs it took 0.7 s to read all, each few seconds.
DUE = """
WITH RECURSIVE line AS (
    (SELECT queue, lane, team_id, coalesce(space_id, 0) AS space, run_at FROM job WHERE state = 'ready'
    ORDER BY queue, lane, team_id, coalesce(space_id, 0), run_at LIMIT 1)
    UNION ALL
    SELECT next.* FROM line CROSS JOIN LATERAL (
        SELECT queue, lane, team_id, coalesce(space_id, 0) AS space, run_at FROM job WHERE state = 'ready'
            AND (queue, lane, team_id, coalesce(space_id, 0)) > (line.queue, line.lane, line.team_id, line.space)
        ORDER BY queue, lane, team_id, coalesce(space_id, 0), run_at LIMIT 1
    ) AS next
), due AS (
    SELECT queue FROM line WHERE run_at <= statement_timestamp()
    UNION SELECT queue FROM job WHERE state = 'running' AND lease_until < statement_timestamp()
)
SELECT queue FROM due WHERE queue NOT IN (SELECT kind FROM stage_pause)
"""
