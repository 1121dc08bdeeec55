"""Names of files that are made to do harm: by the form, by pieces, by the API; on the page, in headers, in a zip."""

from __future__ import annotations

import base64
import unicodedata
from collections.abc import Callable
from email.message import Message
from urllib.parse import quote

import pytest
from django.test import Client

from searchsite.accounts import tokens
from searchsite.accounts.models import Team, User
from searchsite.library.models import Item
from tests import made
from tests.library import drawn
from tests.web.conftest import text
from tests.web.test_zips import asked, opened

NAMES = {
    "nul": "photo\0.jpg",
    "line ends": "photo\r\nSet-Cookie: stolen=1\r\n\r\n.jpg",
    "upwards": "../../../etc/passwd.jpg",
    "upwards, escaped": "%2e%2e%2f%2e%2e%2fetc%2fpasswd.jpg",
    "upwards, Windows": "..\\..\\windows\\system32\\evil.jpg",
    "root": "/etc/cron.d/evil.jpg",
    "another parameter": 'a"; filename="evil.exe',
    "right to left": "invoice\u202egpj.exe",
    "isolates": "a\u2066b\u2069c\u200fd.jpg",
    "emoji": "\U0001f332\U0001f469\u200d\U0001f467.jpg",
    "ten thousand": "x" * 10_000 + ".jpg",
    "marks": "o" + "\u0301" * 5_000 + ".jpg",
    "device": "CON.png",
    "device with an end": "nul.tar.gz.jpg",
    "markup": "<img src=x onerror=alert(1)>.jpg",
    "template": "{{ 7 * 7 }}{% debug %}.jpg",
    "formula": "=HYPERLINK(1).jpg",
    "dots": "....jpg",
    "nothing": ".jpg",
    "spaces": " \t\u3000 .jpg",
    "no characters": "\ufdd0\U0010ffff\ue000.jpg",
    "lone surrogate, escaped": "a%ED%A0%80b.jpg",
}
# They turn the order of letters, or are none.
UNSEEN = {"Cc", "Cs", "Zl", "Zp"}
TURNS = set("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c")
# Django takes no longer head of a part of a form.
MOST_OF_A_HEADER = 900
PHOTO = drawn.jpeg(5)


def form(name: str) -> dict[str, str | bytes]:
    """A body whose file has the name as browsers and others write it: in octets where they can be, else escaped."""
    told = f"filename*=UTF-8''{quote(name, safe='')}"
    head = f'--edge\r\nContent-Disposition: form-data; name="file"; {told}\r\nContent-Type: text/html\r\n\r\n'
    return {"data": head.encode() + PHOTO + b"\r\n--edge--\r\n", "content_type": "multipart/form-data; boundary=edge"}


def by_form(alice: Client, name: str) -> int:
    return alice.post("/upload", **form(name), headers={"HX-Request": "true"}).status_code


def by_pieces(alice: Client, name: str) -> int:
    named = {
        "Upload-Length": str(len(PHOTO)),
        "Upload-Metadata": f"filename {base64.b64encode(name.encode()).decode()}",
    }
    headers = {"Tus-Resumable": "1.0.0"} | named
    begun = alice.post("/upload/tus", content_type="text/plain", headers=headers)
    piece = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0"}
    sent = alice.patch(begun["Location"], PHOTO, content_type="application/offset+octet-stream", headers=piece)
    return 201 if (begun.status_code, sent.status_code) == (201, 204) else sent.status_code


def by_api(_: Client, name: str) -> int:
    _, secret = tokens.create_token(
        User.objects.get(username="alice"), Team.objects.get(name="garden"), name="t", scopes=frozenset({"write"})
    )
    return Client().post("/api/v1/items", **form(name), headers={"Authorization": f"Bearer {secret}"}).status_code


def parsed(disposition: str) -> list[tuple[str, str]]:
    """Its parts, as a browser takes them."""
    message = Message()
    message["Content-Disposition"] = disposition
    return message.get_params(header="Content-Disposition") or []


def is_harmless(title: str) -> bool:
    odd = [one for one in title if one in TURNS or unicodedata.category(one) in UNSEEN]
    return 0 < len(title) <= 255 and not odd and "/" not in title and "\\" not in title


@pytest.mark.parametrize("door", [by_form, by_pieces, by_api])
@pytest.mark.parametrize("what", NAMES)
def test_any_name_becomes_a_harmless_title(alice: Client, door: Callable[[Client, str], int], what: str) -> None:
    if door is not by_pieces and len(quote(NAMES[what])) > MOST_OF_A_HEADER:
        assert door(alice, NAMES[what]) == 400
        return
    assert door(alice, NAMES[what]) == 201
    item = Item.objects.get()
    assert is_harmless(item.title), ascii(item.title)
    assert item.blob.media_type == "image/jpeg"
    page = text(alice.get(f"/items/{item.public_id}"))
    assert "<img src=x" not in page and not TURNS & set(page)
    answer = alice.get(f"/items/{item.public_id}/file")
    answer.close()
    named = answer["Content-Disposition"]
    assert named.startswith("inline; filename") and named.isprintable() and not answer.cookies
    assert not TURNS & set(named) and len(parsed(named)) == 2
    assert answer["Content-Type"] == "image/jpeg"


def test_no_name_leaves_the_folder_that_a_zip_is_unpacked_in(alice: Client) -> None:
    garden = Team.objects.get(name="garden")
    place = made.place(User.objects.get(username="alice"), garden)
    items = [made.note(place, f"note {number}") for number in range(len(NAMES))]
    for item, name in zip(items, NAMES.values(), strict=True):
        Item.objects.filter(pk=item.pk).update(title=name.replace("\0", "")[:255])
    with opened(alice.get(asked(alice, items).json()["address"])) as held:
        names = [one for one in held.namelist() if one != "manifest.json"]
    assert len(names) == len(items) == len({one.casefold() for one in names})
    assert not [one for one in names if "/" in one or "\\" in one or one.startswith(".") or len(one.encode()) > 255]
    assert not [one for one in names if one.split(".")[0].casefold() in ("con", "nul")]


def test_the_same_bytes_of_another_team_are_new_here(alice: Client, charlie: Client) -> None:
    """Nothing of the answer tells that anybody has them; both are answered alike."""
    script = {"HX-Request": "true"}
    first = alice.post("/upload", **form("photo.jpg"), headers=script)
    second = charlie.post("/upload", **form("photo.jpg"), headers=script)
    assert (first.status_code, second.status_code) == (201, 201)
    assert not [one for one in (first, second) if "Already here" in text(one)]
    theirs, ours = Item.objects.order_by("pk")
    assert theirs.team_id != ours.team_id and str(theirs.public_id) not in text(second)
    again = alice.post("/upload", **form("photo.jpg"), headers=script)
    assert (again.status_code, Item.objects.count()) == (200, 2)
