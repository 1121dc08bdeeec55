"""Every address of the site, and by which door one comes to it. A new address needs a row here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.attacks.crowd import EVERYBODY
from tests.attacks.doors import OPENS, SIGN_IN, Row, Told, ask, call, get, post

NOTE, PHOTO = "{public_id}", "{photo}"
HTMX = {"HX-Request": "true"}
TUS = {"Tus-Resumable": "1.0.0"}
ITEMS = "items/<uuid:public_id>"
OF_PHOTO = {"public_id": "photo"}
OF_TRASH = {"public_id": "trashed"}
HERE = {"id": NOTE}
LOOKED_FOR = {"in": "q=bread"}
PAGES: dict[str, list[Row]] = {
    "livez": [get("everybody")],
    "readyz": [get("everybody")],
    "metrics": [get("everybody")],
    "": [get("member")],
    "search": [get("member")],
    "search/facets": [get("member")],
    "search/tips": [get("member")],
    "search/picture": [get("member"), post("member", 422)],
    "suggest": [get("member")],
    "ask": [get("member"), post("member", 400)],
    "ask/stream": [post("member", 400)],
    "pictures/<uuid:public_id>": [get("alice's file", names={"public_id": "picture"})],
    ITEMS: [get("item")],
    f"{ITEMS}/live": [get("item")],
    f"{ITEMS}/title": [post("edit", sent={"title": "Bread"})],
    f"{ITEMS}/caption": [post("edit", names=OF_PHOTO, sent={"caption": "A loaf."})],
    f"{ITEMS}/text": [post("edit", names=OF_PHOTO, sent={"text": "Bread"})],
    f"{ITEMS}/tag": [post("edit", sent={"add": "rye"})],
    f"{ITEMS}/kind": [post("edit", names=OF_PHOTO, sent={"kind": "screenshot"})],
    f"{ITEMS}/words": [get("item", names=OF_PHOTO)],
    f"{ITEMS}/edit": [get("edit"), post("edit", sent={"text": "Rye bread"})],
    f"{ITEMS}/retry": [post("edit", sent={"stage": "embed"})],
    f"{ITEMS}/trash": [post("edit")],
    f"{ITEMS}/restore": [post("restore", names=OF_TRASH)],
    f"{ITEMS}/file": [get("file", names=OF_PHOTO), get("file")],
    f"{ITEMS}/thumbnail/<int:size>": [get("file", names=OF_PHOTO)],
    "notes/new": [get("maker"), post("maker", sent={"text": "Rye"})],
    "notes/preview": [post("member", 200, sent={"text": "*Rye*"})],
    "upload": [get("maker"), post("maker", 422)],
    "upload/progress": [get("member")],
    "upload/again/<uuid:public_id>": [post("edit")],
    "upload/tus": [post("upload", 201, headers={**TUS, "Upload-Length": "5"})],
    "upload/tus/<uuid:public_id>": [
        ask("HEAD", "alice's upload", 200, headers=TUS, names={"public_id": "upload"}),
        ask("PATCH", "alice's upload", 415, headers=TUS, names={"public_id": "upload"}),
        ask("POST", "alice's upload", 409, headers=TUS, names={"public_id": "upload"}),
        ask("DELETE", "alice's upload", 204, headers=TUS, names={"public_id": "upload"}),
    ],
    "upload/unfinished/<uuid:public_id>/discard": [post("alice's", names={"public_id": "broken"})],
    "selection/count": [post("item", 200, sent=HERE)],
    "selection/move": [get("member"), post("edit", sent=HERE | {"target": "{place}"})],
    "selection/tags": [post("item", 200, sent=HERE)],
    "selection/tag": [post("item", sent=HERE | {"add": "rye"})],
    "selection/kind": [post("item", sent={"id": PHOTO, "as": "screenshot"})],
    "selection/discarding": [post("item", 200, sent=HERE)],
    "selection/trash": [post("item", sent=HERE)],
    "selection/undo": [post("alice's", 404, sent={"key": "{key}"})],
    "selection/zip": [post("item", sent=HERE)],
    "selection/zip/<str:key>": [get("alice's")],
    "trash": [get("member")],
    "trash/restore": [post("restore", sent={"id": "{trashed}"})],
    "trash/delete": [post("delete", sent={"id": "{trashed}"})],
    "trash/<uuid:public_id>/thumbnail": [get("restorable file", 404, names=OF_TRASH)],
    "duplicates": [get("member")],
    "duplicates/keep": [post("member", sent=HERE | {"keep": PHOTO})],
    "duplicates/apart": [post("member", sent=HERE)],
    "usage": [get("leader")],
    "usage.csv": [get("leader")],
    "judgements": [post("item", sent=LOOKED_FOR | {"yes": NOTE})],
    "judgements/opened": [post("item", 204, sent=LOOKED_FOR | {"item": NOTE})],
    "saved": [get("member")],
    "saved/keep": [post("member", sent=LOOKED_FOR)],
    "saved/<uuid:public_id>/remove": [post("alice's", names={"public_id": "saved"})],
    "quality": [get("leader")],
    "quality/measure": [post("leader")],
    "quality/compare": [get("leader")],
    "spaces": [get("house")],
    "spaces/estimate": [get("house", 302), post("house", 200)],
    "spaces/build": [post("house")],
    "spaces/caption": [post("house")],
    "spaces/rollback": [post("house")],
    "spaces/<int:number>/live": [get("house")],
    "spaces/<int:number>/activate": [post("house")],
    "spaces/<int:number>/cancel": [post("house")],
    "spaces/<int:number>/drop": [post("house")],
    "queue": [get("staff")],
    "queue/live": [get("staff", headers=HTMX)],
    "queue/group": [get("staff", 404)],
    "queue/missing": [get("staff")],
    "queue/make": [post("staff", sent={"kind": "embed"})],
    "queue/retry": [post("staff", sent={"job": "{job}"})],
    "queue/cancel": [post("staff", sent={"job": "{job}"})],
    "queue/pause": [post("house", sent={"kind": "embed"})],
    "queue/resume": [post("house", sent={"kind": "embed"})],
    "team": [post("item", sent={"team": "{team}"})],
    "language": [get("everybody", 302), post("everybody", sent={"language": "de"})],
    "accounts/login/": [get("signed out"), post("signed out", 200, sent={"login": "alice", "password": "wrong"})],
    "accounts/logout/": [get("signed in"), post("signs out")],
    "accounts/inactive/": [get("everybody")],
}
API: dict[str, list[Row]] = {
    "api/v1/openapi.json": [get("everybody")],
    "api/v1/docs": [get("everybody")],
    "api/v1/": [get("nothing"), post("nothing")],
    "api/": [get("nothing"), post("nothing")],
    "api/v1/items": [call("GET", "token"), call("POST", "token maker", 201, sent={"text": "Rye"})],
    "api/v1/items/<uuidstr:item_id>": [
        call("GET", "token item"),
        call("PATCH", "token edit", sent={"title": "Bread"}),
        call("DELETE", "token edit", 204),
    ],
    "api/v1/search": [call("GET", "token"), call("POST", "token", sent={"query": [{"text": "bread"}]})],
    "api/v1/suggest": [call("GET", "token")],
    "api/v1/pictures": [ask("POST", "token", 422, headers={"Content-Type": "multipart/form-data; boundary=x"})],
    "api/v1/ask": [call("POST", "token", 422)],
    "api/v1/judgements": [
        call("GET", "token"),
        call("POST", "token item", 200, sent={"query": [{"text": "bread"}], "item": NOTE}),
    ],
    "api/v1/collections": [call("GET", "token"), call("POST", "token maker", 201, sent={"name": "Rye"})],
    "api/v1/spaces": [call("GET", "token")],
    "api/v1/jobs": [call("GET", "token")],
    "api/v1/jobs/retry": [call("POST", "token staff", sent={"stage": "embed"})],
    "api/v1/jobs/cancel": [call("POST", "token staff", sent={"stage": "embed"})],
    "api/v1/jobs/missing": [call("POST", "token staff", sent={"stage": "embed"})],
    "api/v1/jobs/pause": [call("POST", "token house", sent={"stage": "embed"})],
    "api/v1/jobs/resume": [call("POST", "token house", sent={"stage": "embed"})],
    "api/v1/usage": [call("GET", "token leader")],
}
BUTTONS = "admin/library/item/<int:pk>"
APPS = "^(?P<app_label>)/$"
"""The pages of the rooms, whose names stand in an order that differs."""
ADMIN: dict[str, list[Row]] = {
    "admin/": [get("admin")],
    "admin/login/": [get("admin sign in", 302)],
    "admin/logout/": [post("admin sign out")],
    "admin/password_change/": [get("admin"), post("admin", 200)],
    "admin/password_change/done/": [get("admin")],
    "admin/autocomplete/": [get("admin", 403)],
    "admin/jsi18n/": [get("admin")],
    "admin/r/<path:content_type_id>/<path:object_id>/": [get("admin nothing")],
    f"{BUTTONS}/retry/": [post("admin item")],
    f"{BUTTONS}/trash/": [post("admin item")],
    f"{BUTTONS}/restore/": [post("admin item", names={"pk": "trash"})],
    f"{BUTTONS}/thumbnail/<int:size>/": [get("admin item", names={"pk": "photo"})],
    "admin/library/item/<uuid:public_id>/": [get("admin item", 302)],
    f"admin/{APPS}": [get("admin")],
    "admin/(?P<url>.*)$": [get("admin nothing")],
}
RIGHTS: dict[str, dict[str, str]] = {
    "library/item": {"cora": "view add change", "sue": "view add change", "root": "view add change"},
    "library/collection": {
        "cora": "view add change delete",
        "sue": "view add change",
        "root": "view add change delete",
    },
    "library/tag": {"cora": "view change delete", "sue": "view change delete", "root": "view change delete"},
    "accounts/usage": {"cora": "view", "sue": "", "root": "view"},
    "accounts/providercall": {"cora": "view", "sue": "", "root": "view"},
    "accounts/auditentry": {"cora": "view", "sue": "", "root": "view"},
    "accounts/user": {"cora": "", "sue": "", "root": "view add change delete"},
    "accounts/team": {"cora": "view change", "sue": "view", "root": "view add change delete"},
    "accounts/token": {"cora": "view add delete", "sue": "view add delete", "root": "view add delete"},
    "jobs/job": {"cora": "view", "sue": "view", "root": "view"},
    "indexing/space": {"cora": "view", "sue": "view", "root": "view"},
}
"""What people of staff may do with the rows of a table in the admin; cora with those of her own team alone."""
WAYS = (
    ("", "GET", "view"),
    ("add/", "GET", "add"),
    ("add/", "POST", "add"),
    ("<path:object_id>/history/", "GET", "history"),
    ("<path:object_id>/change/", "GET", "view"),
    ("<path:object_id>/change/", "POST", "change"),
    ("<path:object_id>/delete/", "GET", "delete"),
    ("<path:object_id>/delete/", "POST", "delete"),
    ("<path:object_id>/", "GET", ""),
)


def rows() -> Iterator[tuple[str, Row]]:
    """Each address with each of its rows."""
    for route, known in (PAGES | API | ADMIN).items():
        yield from ((route, row) for row in known)
    for table, rights in RIGHTS.items():
        for way, method, verb in WAYS:
            yield f"admin/{table}/{way}", _of_admin(method, verb, rights)
    for method in ("GET", "POST"):
        yield "admin/accounts/user/<id>/password/", _of_admin(method, "change", RIGHTS["accounts/user"])


def _of_admin(method: str, verb: str, rights: Mapping[str, str]) -> Row:
    """Who may not look is sent away, as from what is not there."""
    door: dict[str, Told] = dict.fromkeys(EVERYBODY, SIGN_IN)
    if verb == "history":
        # It looks for the row first, and sends away where there is none: only who sees rows of a table is refused.
        return Row(method, door | dict.fromkeys(rights, OPENS), (200, 302, 403))
    door |= {name: OPENS if not verb or verb in may.split() else 403 for name, may in rights.items()}
    return Row(method, door, (200, 302))
