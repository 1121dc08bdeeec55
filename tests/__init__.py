"""Tests of the whole, room by room."""
