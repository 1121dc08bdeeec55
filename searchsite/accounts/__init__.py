"""Who: users, teams, memberships and tokens. Knows nothing of what people keep."""
