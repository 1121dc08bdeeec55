"""Collections, and the spaces of the house."""

from __future__ import annotations

from dataclasses import replace

from django.db.models import Count
from ninja import Router
from ninja.responses import Status

from searchsite.api import inputs, schemas
from searchsite.api.auth import CHANGE, READ, Caller, Request
from searchsite.api.problems import Problem
from searchsite.indexing import estimates, instructions, standing
from searchsite.indexing.models import Space, SpaceStatus
from searchsite.library import collections
from searchsite.library.models import Collection
from searchsite.library.scope import scope_for

router = Router()


@router.get("/collections", auth=READ, response=schemas.CollectionList, tags=["collections"])
def list_collections(request: Request) -> schemas.CollectionList:
    """All collections that you see, by name."""
    caller: Caller = request.auth
    seen = Collection.objects.filter(id__in=caller.scope.collection_ids).annotate(number=Count("items"))
    return schemas.CollectionList(collections=[_collection(one, caller, one.number) for one in seen.order_by("name")])


@router.post("/collections", auth=CHANGE, response={201: schemas.CollectionOut}, tags=["collections"])
def add_collection(request: Request, collection: inputs.CollectionIn) -> Status[schemas.CollectionOut]:
    """Make a collection. Its name must be new in the team."""
    caller: Caller = request.auth
    if not caller.may_edit:
        raise Problem(403, "Viewers cannot make collections.", code="read-only")
    made = collections.create_collection(
        caller.team, collection.name, maker=caller.user, visibility=collection.visibility
    )
    # The scope of this call is older than the collection.
    caller = replace(caller, scope=scope_for(caller.user, caller.team))
    return Status(201, _collection(made, caller, 0))


@router.get("/spaces", auth=READ, response=schemas.SpaceList, tags=["state"])
def list_spaces(request: Request) -> schemas.SpaceList:
    """The spaces that vectors lie in; the active one answers searches."""
    kept = Space.objects.exclude(status=SpaceStatus.DROPPED).order_by("-id")
    now = standing.now()
    return schemas.SpaceList(
        spaces=[_space(space, whole=request.auth.user.is_superuser) for space in kept],
        configured=now.configured.network,
        configured_answers=now.serving is not None and not now.differs,
    )


def _collection(collection: Collection, caller: Caller, items: int) -> schemas.CollectionOut:
    return schemas.CollectionOut.model_validate(
        {
            "id": collection.public_id,
            "name": collection.name,
            "visibility": collection.visibility,
            "purpose": collection.purpose,
            "may_edit": collection.pk in caller.scope.writable_ids,
            "items": items,
            "created_at": collection.created_at,
        }
    )


def _space(space: Space, *, whole: bool) -> schemas.SpaceOut:
    found = estimates.progress(space)
    progress = {
        "done": found.done,
        "of": found.of,
        "failed": found.failed,
        "per_second": round(found.rate, 2),
        "seconds_left": found.left,
        "disk_bytes": estimates.disk(space),
    }
    return schemas.SpaceOut.model_validate(
        {
            "id": space.pk,
            "name": str(space),
            "embedder": space.embedder,
            "revision": space.revision,
            "adapter": space.adapter,
            "dimensions": space.dimensions,
            "status": space.status,
            "takes_pictures": space.takes_pictures,
            "takes_instructions": instructions.are_taken(space),
            "notes": space.notes,
            "created_at": space.created_at,
            "activated_at": space.activated_at,
            "retired_at": space.retired_at,
            "percent": found.percent,
            "progress": progress if whole else None,
        }
    )
