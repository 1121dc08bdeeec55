"""Shows on a terminal what a space would cost, and how far one is."""

from __future__ import annotations

import time
from collections.abc import Callable

from searchsite.accounts import prices
from searchsite.indexing import estimates, spaces, upkeep
from searchsite.indexing.estimates import Estimate, Progress, counted, duration, size
from searchsite.indexing.finding import Finding
from searchsite.indexing.models import Space, SpaceStatus
from searchsite.indexing.uncaptioned import Backlog
from searchsite.library.models import Channel

LOOK_EVERY = 2.0


def estimate_lines(found: Estimate) -> list[str]:
    """The estimate in words."""
    cost = prices.Estimate(found.price, found.prices_of)
    pictures, texts = (found.parts.get(channel, 0) for channel in (Channel.IMAGE, Channel.TEXT))
    return [
        f"{found.embedder} with {found.dimensions} numbers a vector would embed {counted(found.total, 'part')}:"
        f" {pictures:,} of pictures, {texts:,} of text.",
        f"That is about {found.tokens:,} tokens, {cost}, {duration(found.seconds)} and {size(found.disk)} of disk.",
        *([] if found.takes_pictures else ["It takes texts only: pictures would be found through their words."]),
        *caption_lines(found.captions),
    ]


def caption_lines(found: Backlog | None) -> list[str]:
    """What there is to caption in words; nothing where there is nothing, or nobody to do it."""
    if found is None or not found.pictures:
        return []
    return [
        f"No captioner has looked at {counted(found.pictures, 'picture')}: `manage.py caption` has {found.captioner}"
        f" do it, {found.cost}."
    ]


def progress_line(found: Progress) -> str:
    """One line that says how far a space is."""
    rate = f", {found.rate:.1f} a second" if found.lacking and found.rate else ""
    left = f", about {duration(found.left)} left" if found.left else ""
    failed = f", {counted(found.failed, 'item')} failed" if found.failed else ""
    reason = f", waiting: {found.reason}" if found.reason else ""
    return f"{found.done:,} of {counted(found.of, 'part')} ({found.percent} %){rate}{left}{failed}{reason}"


FOUND_BY = {
    "exact": "all compared",
    "codes": "by codes",
    "graph": "by graph",
    "wanted": "by codes; a graph will be built soon",
    "building": "by codes; a graph is being built",
}


def finding_lines(found: list[Finding]) -> list[str]:
    """How each channel is searched, and how well that was found to be."""
    lines = []
    for one in found:
        build = f" ({one.build.phase}, {one.build.percent} %)" if one.build else ""
        measured = f"{one.measured_at:%Y-%m-%d %H:%M} UTC" if one.measured_at else ""
        recall = "" if one.recall is None else f"; recall@10 {one.recall:.3f} of {one.questions} questions, {measured}"
        lines.append(f"{one.channel:<5} about {one.vectors:,} vectors, {FOUND_BY[one.state]}{build}{recall}")
    return lines


def what_to_do(beside: Space | None) -> str:
    """How the configured embedder comes to answer, given its space, if there is one."""
    if beside is None:
        return "`manage.py reindex` builds a space of it."
    missing = spaces.lacking(beside)
    if not missing:
        return f"Space {beside.pk} is full: `manage.py spaces activate {beside.pk}` lets it answer."
    if beside.status == SpaceStatus.BUILDING:
        return f"Space {beside.pk} is being built, and lacks {counted(missing, 'part')}."
    return (
        f"Space {beside.pk} is kept from earlier, and lacks {counted(missing, 'part')}: `manage.py reindex` fills it."
    )


def wait_until_full(space: Space, say: Callable[[str], None]) -> Progress:
    """Keep the workers supplied until nothing is left to do but what has failed, and say how far it is."""
    said = ""
    while True:
        left = upkeep.fill(space)
        found = estimates.progress(space)
        line = progress_line(found)
        if line != said:
            say(line)
            said = line
        if not left:
            return found
        time.sleep(LOOK_EVERY)


def named(words: str) -> Space:
    """The space of a number, as `manage.py spaces` lists it. Raises NotNow."""
    found = Space.objects.filter(pk=int(words)).first() if words.isdecimal() and len(words) < 10 else None
    if found is None:
        raise spaces.NotNow(f"There is no space {words!r}: `manage.py spaces` lists them.")
    return found
