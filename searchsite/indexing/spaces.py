"""Which coordinate system vectors are written in and searched in, and the one row that says which answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import structlog
from django.db import OperationalError, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from searchsite import config
from searchsite.accounts import audit
from searchsite.indexing import fingerprints, instructions, once, plan, provider, tables, yielding
from searchsite.indexing.fingerprints import WrongEmbedder as WrongEmbedder
from searchsite.indexing.models import Space, SpaceStatus
from searchsite.inference import prompts, selfcheck
from searchsite.inference.client import Client
from searchsite.inference.errors import Refused
from searchsite.inference.stages import Endpoint
from searchsite.inference.types import EmbedderInfo
from searchsite.jobs import care
from searchsite.library import files
from searchsite.library.numbers import grouped

log = structlog.get_logger()
# The built-in engine looks at 260 pixels a side: the thumbnail holds more, and is decoded ten times as fast.
PICTURE_SIZES = {"builtin": files.THUMBNAIL}
# Raise one when the way of rendering that prompt changes: its vectors are others then.
TEMPLATES: Mapping[prompts.Prompt, str] = {"plain": "", "chat": "qwen3-vl-1", "instruct": "qwen3-1"}
REFUSED_FOR = 60.0
# The longest that a search may still be reading the space that answered when it began.
SEARCHES_END = timedelta(seconds=60)


class NotNow(Exception):
    """A change of spaces that is not allowed as things stand. `str()` is a sentence for people."""


class Gaps(NotNow):
    """Parts have no vectors in a space yet; that it is to answer all the same must be said."""


@dataclass(frozen=True)
class Identity:
    """What must be equal for two vectors to be compared."""

    adapter: str
    embedder: str
    revision: str
    dimensions: int
    document_instruction: str
    template_version: str
    pixel_policy: str


def active() -> Space | None:
    """The space that answers now, if there is one."""
    return once.read("active", Space.objects.filter(status=SpaceStatus.ACTIVE).first)


def filling() -> list[Space]:
    """The spaces that new and changed items go into: the one that answers and those being built."""
    return list(Space.objects.filter(status__in=[SpaceStatus.ACTIVE, SpaceStatus.BUILDING]).order_by("pk"))


def previous() -> Space | None:
    """The space that answered before this one, if it is still kept."""
    return Space.objects.filter(status=SpaceStatus.RETIRED, retired_at__isnull=False).order_by("-retired_at").first()


def kept_until(space: Space) -> datetime | None:
    """When the hourly tidying drops a retired space; None for others."""
    if space.status != SpaceStatus.RETIRED or space.retired_at is None:
        return None
    return space.retired_at + timedelta(days=config.load().space_kept_days)


def ensure_active() -> Space:
    """Return the space that answers. In a new library it is made, of the configured embedder.

    Raises an InferenceError that is shared: Unreachable and the like, or WrongEmbedder.
    """
    space = active()
    return _open(provider.client(), SpaceStatus.ACTIVE) if space is None else space


def embedder_of(space: Space, *, seconds: float = fingerprints.SECONDS) -> Client:
    """The client of the embedder that made the space, once it is known to be the same. Raises an InferenceError.

    seconds: how long to wait for it to show that.
    """
    client = provider.client_of(space)
    info = _info(client)
    if not serves(space, info):
        raise WrongEmbedder(
            f"{provider.endpoint_of(space).name} runs {info.name} {info.revision}, but the library is indexed with"
            f" {space.embedder} {space.revision}: build a new space, or go back to that embedder."
        )
    fingerprints.require_same(space, client, seconds=seconds)
    return client


def serves(space: Space, info: EmbedderInfo) -> bool:
    """Whether vectors of this embedder lie in this space."""
    return (space.embedder, space.revision, space.dimensions) == (info.name, info.revision, info.dimensions)


def identity_of(endpoint: Endpoint, info: EmbedderInfo) -> Identity:
    """What a space of this embedder would be."""
    prompt = instructions.prompt_of(info.name, info.revision)
    return Identity(
        adapter=endpoint.dialect,
        embedder=info.name,
        revision=info.revision,
        dimensions=info.dimensions,
        document_instruction=prompts.DEFAULTS["document"] if prompt == "chat" else "",
        template_version=TEMPLATES[prompt],
        pixel_policy=str(PICTURE_SIZES.get(info.name, files.VIEW)),
    )


def is_configured(space: Space) -> bool:
    """Whether a space of the configured embedder would be this one. Raises an InferenceError."""
    identity = identity_of(provider.configured(), _info(provider.client()))
    return all(getattr(space, name) == value for name, value in asdict(identity).items())


def build() -> Space:
    """Begin a space of the configured embedder beside the one that answers; upkeep fills it. Goes on where it stopped.

    Raises an InferenceError, also where the embedder fails its self-check, and NotNow where nothing is to be built.
    """
    client = provider.client()
    info = _info(client)
    same = Space.objects.filter(**asdict(identity_of(provider.configured(), info))).first()
    if same is not None and same.status == SpaceStatus.ACTIVE:
        raise NotNow(gettext("The library is indexed with %(space)s already.") % {"space": same})
    space = _open(client, SpaceStatus.BUILDING)
    audit.note(audit.Action.SPACE_BUILT, space)
    return space


@transaction.atomic
def activate(space: Space, *, force: bool = False) -> Space:
    """Let a space answer from now on; the one before it is kept. Raises NotNow while parts lack vectors, unless forced.

    Whoever reads which space answers sees the one or the other, never both or none.
    """
    # All of them, in one order: of two at a time the second sees which one answers since the first.
    list(Space.objects.select_for_update().exclude(status=SpaceStatus.DROPPED).order_by("pk"))
    chosen = _held(space, SpaceStatus.BUILDING, SpaceStatus.RETIRED)
    missing = 0 if force else lacking(chosen)
    if missing:
        sentence = ngettext(
            "%(number)s part has no vector in %(space)s yet: words alone would find what lacks one.",
            "%(number)s parts have no vectors in %(space)s yet: words alone would find what lacks one.",
            missing,
        )
        raise Gaps(sentence % {"number": grouped(missing), "space": chosen})
    for before in Space.objects.filter(status=SpaceStatus.ACTIVE):
        Space.objects.filter(pk=before.pk).update(status=SpaceStatus.RETIRED, retired_at=Now())
        care.forget_space(before.pk)
    # What failed with the other embedder says nothing of this one.
    care.forget_failures(plan.EMBED)
    Space.objects.filter(pk=chosen.pk).update(status=SpaceStatus.ACTIVE, activated_at=Now(), retired_at=None)
    chosen.refresh_from_db()
    audit.note(audit.Action.SPACE_ACTIVATED, chosen, forced=force)
    return chosen


def roll_back() -> tuple[Space, int]:
    """Let the space before this one answer again; returns it and how many parts upkeep has yet to embed in it."""
    before = previous()
    if before is None:
        raise NotNow(gettext("There is no earlier space to go back to."))
    space = activate(before, force=True)
    return space, lacking(space)


def cancel(space: Space) -> None:
    """Stop building a space, and drop it."""
    with transaction.atomic():
        _condemn(_held(space, SpaceStatus.BUILDING))
        audit.note(audit.Action.SPACE_CANCELLED, space)
    sweep_dropped()


def drop(space: Space) -> None:
    """Forget a retired space with its vectors. Raises NotNow while searches may still be reading it."""
    with transaction.atomic():
        held = _held(space, SpaceStatus.RETIRED)
        if Space.objects.filter(pk=held.pk, retired_at__gt=Now() - SEARCHES_END).exists():
            sentence = gettext("%(space)s answered until a moment ago, and may still be read: try again in a minute.")
            raise NotNow(sentence % {"space": held})
        _condemn(held)
        audit.note(audit.Action.SPACE_DROPPED, held)
    sweep_dropped()


def sweep_dropped() -> None:
    """Remove the tables of spaces that are dropped. One that is in use is left for the next time."""
    for space in Space.objects.filter(status=SpaceStatus.DROPPED):
        try:
            with transaction.atomic(), yielding.giving_way():
                tables.drop(space.pk)
                Space.objects.filter(pk=space.pk).delete()
        except OperationalError as error:
            if not yielding.is_in_the_way(error):
                raise
            log.info("vectors stay for now", space=space.pk)


def lacking(space: Space) -> int:
    """How many parts should have a vector in the space and have none."""
    return tables.count_lacking(space.pk, pictures=space.takes_pictures)


def locked(space: Space) -> Space | None:
    """Return the space as it is now, or None when it is dropped, and hold off both a new mean and its end.

    Without it, a row of the old version could be committed after the last old one was brought up to date.
    """
    rows = Space.objects.raw(
        "SELECT * FROM space WHERE id = %s AND status <> %s FOR SHARE", [space.pk, SpaceStatus.DROPPED]
    )
    return next(iter(rows), None)


def _info(client: Client) -> EmbedderInfo:
    try:
        return client.info()
    except Refused as error:
        # No job is to blame for the settings.
        raise WrongEmbedder(error.message) from error


def _open(client: Client, status: SpaceStatus) -> Space:
    """Of several processes at once the unique indexes let one make row and table; the others wait, then find both."""
    endpoint, info = provider.configured(), _info(client)
    identity = asdict(identity_of(endpoint, info))
    if not Space.objects.filter(status=status, **identity).exists():
        report = selfcheck.check_embedder(client)
        for row in report.rows:
            if row.error is not None and row.error.shared and not row.error.answered:
                raise row.error  # away, which tells nothing of its vectors
        if not report.passed:
            raise WrongEmbedder(" ".join((f"{info.name} fails its check.", *report.failures)), retry_after=REFUSED_FOR)
    fingerprint = fingerprints.taken(client, pictures="image" in info.modalities)
    described = {
        "url": provider.plain_url(endpoint),
        "most_dimensions": endpoint.dimensions,
        "mrl": info.mrl,
        "takes_pictures": "image" in info.modalities,
        "notes": list(info.notes),
        "instructions": dict(instructions.usual(info.name, info.revision)),
        "fingerprint": fingerprint,
    }

    def made() -> Space:
        if status == SpaceStatus.ACTIVE:
            space, _ = Space.objects.get_or_create(status=status, defaults=identity | described)
        else:
            space, _ = Space.objects.get_or_create(**identity, defaults=described | {"status": status})
            space = _again(space, fingerprint, endpoint)
        tables.create(space.pk, space.dimensions)
        return space

    return yielding.patiently(made)


def _again(space: Space, fingerprint: Mapping[str, str], endpoint: Endpoint) -> Space:
    """A space that was retired is built on, unless its embedder has changed since."""
    held = Space.objects.select_for_update().get(pk=space.pk)
    if held.status == SpaceStatus.DROPPED:
        raise NotNow(gettext("%(space)s is being dropped; try again in a moment.") % {"space": held})
    if held.fingerprint and not fingerprints.alike(held.fingerprint, fingerprint):
        sentence = gettext("%(space)s was made with other weights of that name: drop it first, then build it anew.")
        raise NotNow(sentence % {"space": held})
    if held.status == SpaceStatus.RETIRED:
        held.status, held.created_at = SpaceStatus.BUILDING, timezone.now()
    held.url, held.most_dimensions = provider.plain_url(endpoint), endpoint.dimensions
    held.save(update_fields=["status", "created_at", "url", "most_dimensions"])
    return held


def _held(space: Space, *statuses: SpaceStatus) -> Space:
    held = Space.objects.select_for_update().filter(pk=space.pk).first()
    if held is None or held.status not in statuses:
        raise NotNow(gettext("%(space)s is in another state by now.") % {"space": space})
    return held


def _condemn(held: Space) -> None:
    """Its jobs go first, so that late results end at the fence; the table follows when nobody uses it."""
    Space.objects.filter(pk=held.pk).update(status=SpaceStatus.DROPPED)
    care.forget_space(held.pk)
