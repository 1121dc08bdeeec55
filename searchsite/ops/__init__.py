"""One-command start, the embedded servers, health and metrics."""
