"""What people with other plans write into a field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

DATA = "application/json"
MARKUP = "\"'><img src=x onerror=alert(1)><svg onload=alert(2)><script>alert(3)</script>"
MARKUP += "</textarea></title>{{7*7}}{% debug %}${7*7}"
LINK = "[run](javascript:alert(4)) ![see](https://evil.example/x.png) <javascript:alert(5)>"
WORDS = (
    MARKUP,
    LINK,
    "a\0b",
    "a\ud800b",
    "\x01\x1b[31m\x7f\x9f\ufeff\u200b",
    "a\r\nSet-Cookie: evil=1\r\n\r\n<html>",
    "\u202egpj.exe\u2066\u200f",
    "Z\u0300" + "\u0301\u0316" * 500,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 300,
    "' OR 1=1--",
    "'; select pg_sleep(5)--",
    "\\",
    "$$;{x}%(y)s%s%n{0.__class__}",
    "%" * 1500,
    "_" * 200,
    "(a+)+$",
    "../../../../etc/passwd",
    "=cmd|' /C calc'!A0",
    "NaN",
    "-1",
    "1e400",
    "9" * 30,
    "9" * 5000,
    "0x7f",
    "3.5",
    "[]",
    "null",
    "2026-13-45",
    "9999-12-31",
    "0001-01-01",
    "00000000-0000-0000-0000-000000000000",
    "\uff11\u0661\u00b2",
    "x" * 100_000,
)
HUGE = "w" * 1_000_000


class Turns:
    """Gives the words in turn, so that in the end each field has had some and each word was in many fields."""

    def __init__(self, words: Sequence[Any] = WORDS) -> None:
        self.words, self.given = words, 0

    def some(self, number: int) -> Iterator[Any]:
        """The next words."""
        for _ in range(number):
            yield self.words[self.given % len(self.words)]
            self.given += 1


def written(pairs: Sequence[tuple[str, str]]) -> str:
    """Pairs as a browser, or a program without manners, writes them into an address or a form."""
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs)


def _quoted(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


class Page(HTMLParser):
    """A page as a browser reads it: its forms with their fields, and whatever would run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.runs: list[str] = []
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._look(tag, given)
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get").lower()))
        elif self.forms and tag == "option" and self._open and given.get("value"):
            field = self.forms[-1].fields[-1]
            field.value = given["value"] if "selected" in given or not field.value else field.value
        elif self.forms and tag in ("input", "textarea", "select", "button") and given.get("name"):
            kind = given.get("type", tag)
            self._open = tag if tag in ("textarea", "select") else ""
            if kind not in ("checkbox", "radio") or "checked" in given:
                self.forms[-1].fields.append(Field(given["name"], kind, given.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        self._open = "" if tag == self._open else self._open

    def handle_data(self, data: str) -> None:
        if self._open == "textarea":
            self.forms[-1].fields[-1].value += data

    def _look(self, tag: str, given: dict[str, str]) -> None:
        self.runs += [f"<{tag} {name}=…>" for name in given if name.startswith("on")]
        addresses = [given.get(name, "").strip().lower() for name in ("href", "src", "action", "formaction", "srcset")]
        self.runs += [
            f"<{tag}> to {one[:60]}" for one in addresses if one.startswith(("javascript:", "data:text", "//"))
        ]
        if "evil.example" in given.get("src", "") or (
            tag == "script" and "src" not in given and given.get("type") != DATA
        ):
            self.runs.append(f"<{tag}>")


@dataclass
class Field:
    """A field of a form, with what stands in it."""

    name: str
    kind: str
    value: str


class Form:
    """A form: where it goes, and its fields."""

    def __init__(self, action: str, method: str) -> None:
        self.action, self.method = action, method
        self.fields: list[Field] = []

    @property
    def key(self) -> tuple[str, frozenset[str]]:
        """What makes it another form than the last."""
        return self.action, frozenset(field.name for field in self.fields)

    @property
    def names(self) -> list[str]:
        """The fields that words can be written into."""
        return sorted({one.name for one in self.fields if one.kind != "file"} - {"csrfmiddlewaretoken"})

    def with_word(self, name: str, word: str) -> list[tuple[str, str]]:
        """What is sent with the word in a field; of all others what stands there."""
        sent = [one for one in self.fields if one.name != name and one.kind not in ("submit", "button", "file")]
        return [*((one.name, one.value) for one in sent), (name, word)]
