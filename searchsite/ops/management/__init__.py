"""Holds the commands of this room."""
