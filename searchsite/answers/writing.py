"""Reads an answer's text as paragraphs, lists and code with citations. Anything else in it stays plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Style = Literal["", "strong", "em", "code", "cite"]
NUMBERS = r"(?:sources?\s+)?\[?(\d{1,2}(?:\s*(?:[,;–-]|and)\s*(?:sources?\s+)?\d{1,2})*)"
# A network may go on with blanks or stars for thousands of characters: no pattern looks at them over and over.
CITED = re.compile(rf"(?<!\s)\s*[\[【]\s*{NUMBERS}\s*[\]】]", re.IGNORECASE)
STRONG = r"\*\*(?=\S)((?:(?!\*\*).)+)(?<=\S)\*\*"
MARKED = re.compile(rf"`([^`\n]+)`|{STRONG}|(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])", re.DOTALL)
RANGE = re.compile(r"(\d+)\s*[–-]\s*(\d+)")
ITEM = re.compile(r"\s{0,8}(?:[-*•]|(\d{1,3})[.)])\s+(\S.*)")
HEADING = re.compile(r"#{1,6}\s+(\S.*)")
FENCE = re.compile(r"\s*```")
LISTS = ("ul", "ol")


@dataclass(frozen=True)
class Span:
    """A run of text in one style, or a citation of the source `number`."""

    text: str
    style: Style = ""
    number: int = 0


Line = tuple[Span, ...]


@dataclass(frozen=True)
class Block:
    """A paragraph, a list or code. start: the number of an ordered list's first item."""

    kind: Literal["p", "ul", "ol", "code"]
    lines: tuple[Line, ...]
    start: int = 1

    @property
    def numbers(self) -> frozenset[int]:
        """The sources it cites."""
        return frozenset(span.number for line in self.lines for span in line if span.style == "cite")

    @property
    def leads_in(self) -> bool:
        """Whether it only introduces what follows."""
        last = self.lines[-1][-1:] if self.lines else ()
        return any(span.text.rstrip().endswith((":", "：")) for span in last)


def blocks_of(text: str, sources: int) -> list[Block]:
    """The blocks of an answer. Citations of other sources than 1 to `sources` are left out."""
    return [_block(kind, lines, start, sources) for kind, lines, start in _paragraphs(text.splitlines())]


def cited(blocks: Sequence[Block]) -> list[int]:
    """The sources that are cited, in the order in which they are first."""
    numbers = (span.number for block in blocks for line in block.lines for span in line if span.style == "cite")
    return list(dict.fromkeys(numbers))


def statements(text: str, sources: int) -> Iterator[tuple[int, str]]:
    """(source, statement) for each citation: the sentence that it ends."""
    for block in blocks_of(text, sources):
        for line in block.lines:
            said = ""
            for at, span in enumerate(line):
                if span.style == "cite":
                    yield span.number, re.split(r"(?<=[.!?。！？])\s+", said.strip())[-1]
                else:
                    said = span.text if at and line[at - 1].style == "cite" else said + span.text


def _paragraphs(lines: Sequence[str]) -> Iterator[tuple[str, list[str], int]]:
    """(kind, lines, first number) of each block."""
    kind, kept, start, gap = "", list[str](), 1, False
    for line in lines:
        item, fence, empty = ITEM.fullmatch(line), FENCE.match(line), not line.strip()
        if kind == "code" and not fence:
            kept.append(line)
            continue
        found = _kind(kind, line, gap=gap)
        # A loose list has empty lines between its items.
        if (found != kind and not (kind in LISTS and empty)) or fence:
            if kept:
                yield kind, kept, start
            kind, kept, start = found, [], int(item[1]) if item and item[1] else 1
        if item and not fence:
            kept.append(item[2])
        elif not empty and not fence:
            _add(kind, kept, line)
        gap = empty
    if kept:
        yield kind, kept, start


def _kind(before: str, line: str, *, gap: bool) -> str:
    """What a line belongs to; "" is what belongs to nothing."""
    item = ITEM.fullmatch(line)
    if FENCE.match(line):
        return "" if before == "code" else "code"
    if item:
        return "ol" if item[1] else "ul"
    if not line.strip():
        return ""
    # After an empty line only what is set in still belongs to the list.
    return before if before in LISTS and (not gap or line[0].isspace()) else "p"


def _add(kind: str, kept: list[str], line: str) -> None:
    """Go on with a paragraph's lines, or with the last item of a list."""
    heading = HEADING.fullmatch(line)
    text = f"**{heading[1].rstrip('# ') or heading[1]}**" if heading else line.strip()
    if kept:
        kept[-1] += f"\n{text}" if kind == "p" else f" {text}"
    else:
        kept.append(text)


def _block(kind: str, lines: Sequence[str], start: int, sources: int) -> Block:
    if kind == "code":
        return Block("code", tuple((Span(line, "code"),) for line in lines))
    shown = tuple(tuple(_spans(line, sources)) for line in lines)
    return Block("ul" if kind == "ul" else "ol" if kind == "ol" else "p", shown, start)


def _spans(line: str, sources: int) -> Iterator[Span]:
    last = 0
    for match in MARKED.finditer(line):
        yield from _cited(line[last : match.start()], "", sources)
        code, strong, em = match.groups()
        if code is not None:
            yield Span(code, "code")
        else:
            yield from _cited(strong or em, "strong" if strong is not None else "em", sources)
        last = match.end()
    yield from _cited(line[last:], "", sources)


def _cited(text: str, style: Style, sources: int) -> Iterator[Span]:
    last = 0
    for match in CITED.finditer(text):
        if text[last : match.start()]:
            yield Span(text[last : match.start()], style)
        for number in _numbers(match[1]):
            if 1 <= number <= sources:
                yield Span(str(number), "cite", number)
        last = match.end()
    if text[last:]:
        yield Span(text[last:], style)


def _numbers(text: str) -> list[int]:
    """The numbers in "1, 3-5"."""
    spread = RANGE.sub(lambda match: " ".join(map(str, range(int(match[1]), int(match[2]) + 1))), text)
    return list(dict.fromkeys(int(number) for number in re.findall(r"\d+", spread)))
