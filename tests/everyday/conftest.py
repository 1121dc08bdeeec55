"""Fixtures of all journeys."""

from __future__ import annotations

from tests.served import fake as fake
