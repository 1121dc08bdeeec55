"""Search, and pictures to search by."""

from __future__ import annotations

from ninja import Query, Router
from ninja.responses import Status

from searchsite.api import asking, bodies, inputs, schemas
from searchsite.api.auth import LOOK, READ, SEARCH, SHOW, Request
from searchsite.library import pictures
from searchsite.search import questions, suggesting

router = Router(tags=["search"])
EXAMPLE = {"query": [{"text": "red car"}, {"text": "snow", "weight": -1}], "filters": {"kind": ["image"]}, "limit": 10}
PICTURE = {
    "requestBody": {
        "required": True,
        "content": bodies.form(file={"type": "string", "format": "binary", "description": "The picture."}),
    }
}


@router.get("/search", auth=LOOK, response=schemas.SearchOut, summary="Search with the parameters of a search page")
def search(request: Request, query: Query[inputs.SearchQuery]) -> schemas.SearchOut:
    """The same parameters as the search page has, so that an address can be taken over. Without any: the newest."""
    question = questions.from_query(request.GET)
    return asking.search_out(question, request.auth.scope, wanted=_wanted(query.facets))


@router.post(
    "/search",
    auth=SEARCH,
    response=schemas.SearchOut,
    summary="Search with words, items and pictures together",
    openapi_extra={"requestBody": {"content": {"application/json": {"example": EXAMPLE}}}},
)
def search_for(request: Request, asked: inputs.SearchIn) -> schemas.SearchOut:
    """Each term pulls towards what it says, or away from it when its weight is negative."""
    question = asking.question_of(asked)
    return asking.search_out(question, request.auth.scope, wanted=asked.facets)


@router.get("/suggest", auth=READ, response=schemas.SuggestionList, summary="Complete the words of a question")
def suggest(request: Request, q: str = "") -> schemas.SuggestionList:
    """Titles, tags and the values of fields that the caller can see, for words that are being typed."""
    found = suggesting.suggest(q, request.auth.scope)
    return schemas.SuggestionList(
        suggestions=[
            schemas.SuggestionOut.model_validate({"kind": one.kind, "text": one.text, "query": one.query})
            for one in found
        ]
    )


@router.post(
    "/pictures",
    auth=SHOW,
    response={201: schemas.PictureOut},
    summary="Hand in a picture to search by",
    openapi_extra=PICTURE,
)
def add_picture(request: Request) -> Status[schemas.PictureOut]:
    """It is kept for a while for this caller alone, and is not an item."""
    file, _ = bodies.read_form(request, inputs.NoFields)
    kept = pictures.add_query_picture(file, scope=request.auth.scope)
    kept.refresh_from_db(fields=["expires_at"])
    return Status(201, schemas.PictureOut(id=kept.public_id, expires_at=kept.expires_at))


def _wanted(given: list[str]) -> bool | list[str]:
    """All facets, none, or those that are named."""
    names = [one for one in given if one not in ("", "false")]
    return True if "true" in names else names
