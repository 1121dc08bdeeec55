"""A question becomes ranked hits. Only reads."""
