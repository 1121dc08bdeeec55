"""Notes: texts that people write here, and may write anew. Their passages, end to end, are the whole text."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from searchsite.jobs.models import Lane
from searchsite.library import edits, intake, wording
from searchsite.library.models import Item, Kind, Part, PartRole
from searchsite.library.refusals import Refusal
from searchsite.library.scope import Scope

AT_ONCE = 500


@dataclass(frozen=True)
class Draft:
    """What a note is to say. `base` is the version that its writer had in front of them; None: whatever it is."""

    title: str
    text: str
    base: str | None = None


@dataclass(frozen=True)
class Written:
    """What a note says, read once. The version changes whenever the title or the text does."""

    title: str
    text: str

    @property
    def version(self) -> str:
        """What a writer had in front of them, to be told as a draft's `base`."""
        return hashlib.sha256(f"{self.title}\0{self.text}".encode()).hexdigest()[:32]


class Changed(Refusal):
    """Somebody else wrote the note anew meanwhile, as `now` says."""

    def __init__(self, now: Written) -> None:
        self.now = now
        message = _("Somebody changed this note while you were writing. Nothing of yours is lost.")
        super().__init__(message, code="changed", status=409)


def is_note(item: Item) -> bool:
    """Whether it was written here: what came as a file stays as its file says."""
    return item.kind == Kind.TEXT and item.blob_id is None


def text_of(item: Item) -> str:
    """The whole text, to the last line break."""
    found = Part.objects.filter(item=item, role=PartRole.CONTENT).order_by("ordinal")
    return "".join(found.values_list("text", flat=True))


def read(item: Item) -> Written:
    """The item's title and its text as it is now."""
    return Written(item.title, text_of(item))


def rewrite(item: Item, draft: Draft, *, scope: Scope) -> None:
    """Write the note anew: its words are found at once, its meaning once it is embedded. Raises Changed."""
    text = intake.checked_text(draft.text)
    title = wording.clean_title(draft.title) if draft.title.strip() else wording.title_of_text(text)
    with transaction.atomic():
        here = edits.locked(item, scope)
        if not is_note(here):
            raise Refusal(_("Only notes can be written anew."), code="not-a-note")
        now = read(here)
        if draft.base is not None and draft.base != now.version:
            raise Changed(now)
        if now != Written(title, text):
            Item.objects.filter(pk=here.pk).update(title=title)
            _write(here, text)
            edits.embed_again(here, lane=Lane.WAITING)
    item.title = title


def _write(item: Item, text: str) -> None:
    """A passage that says the same as before keeps its row, and so its vector."""
    before = {part.ordinal: part for part in item.parts.filter(role=PartRole.CONTENT).defer("search")}
    after = intake.text_parts(item, text)
    new = [part for part in after if _facts(part) != _facts(before.get(part.ordinal))]
    Part.objects.bulk_create(
        new,
        update_conflicts=True,
        unique_fields=["item", "role", "ordinal"],
        update_fields=["text", "locator"],
        batch_size=AT_ONCE,
    )
    Part.objects.filter(item=item, role=PartRole.CONTENT, ordinal__gte=len(after)).delete()


def _facts(part: Part | None) -> tuple[str, object] | None:
    return None if part is None else (part.text, part.locator)
