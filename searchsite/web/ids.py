"""Ids as addresses and forms have them, where anything may be written."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404

from searchsite.accounts.models import Team


def parsed(value: str) -> UUID | None:
    """The id that is written there; None where that is none."""
    try:
        return UUID(value)
    except ValueError:
        return None


def team_of(value: str) -> Team:
    """The team with that id, whoever is in it, or 404."""
    public_id = parsed(value)
    found = Team.objects.filter(public_id=public_id).first() if public_id is not None else None
    if found is None:
        raise Http404
    return found
