"""Measurements: each a ratio against a floor in the same run, with the state of the machine beside it."""

from __future__ import annotations
