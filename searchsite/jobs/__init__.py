"""Later: the table that is outbox, queue and lease in one. Knows nothing of what a job is about."""
