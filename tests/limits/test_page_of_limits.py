"""The page of limits says what the code does."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

from django.conf import global_settings, settings

from searchsite.accounts import rates
from searchsite.config import ROOT, Config
from searchsite.limits import Limits

TEXT = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
ROWS = [line for line in TEXT.splitlines() if line.startswith("| ") and "`" in line]
SETTING, CONSTANT = re.compile(r"`([A-Z][A-Z_]+)`"), re.compile(r"`searchsite\.([a-z_.]+)\.([A-Z_]+)`")


def numbers(text: str) -> list[float]:
    return [float(one) for one in re.findall(r"\d+(?:\.\d+)?", text)]


def value_of(module: str, name: str) -> float:
    if module == "settings":
        return float(getattr(settings, name, None) or getattr(global_settings, name))
    return float(getattr(importlib.import_module(f"searchsite.{module}"), name))


def test_each_setting_that_it_names_has_the_default_that_it_says() -> None:
    said = [(name, row) for row in ROWS for name in SETTING.findall(row)]
    assert len(said) > 25
    for name, row in said:
        default = Config.model_fields[name.lower()].default
        assert default in (None, []) or float(default) in numbers(row), row


def test_each_constant_that_it_names_is_what_it_says() -> None:
    said = [(module, name, row) for row in ROWS for module, name in CONSTANT.findall(row)]
    assert len(said) > 30
    assert [row for module, name, row in said if value_of(module, name) not in numbers(row)] == []


def test_it_names_every_setting_that_limits() -> None:
    missing = [name for name in Limits.model_fields if f"`{name.upper()}`" not in TEXT]
    assert missing == []


def test_it_says_of_each_rate_what_comes_at_once_and_what_is_answered() -> None:
    for rule in rates.RULES:
        row = next(line for line in ROWS if f"`{rule.setting.upper()}`" in line)
        _, _, each, at_once, *_ = (cell.strip() for cell in row.split("|"))
        default = Config.model_fields[rule.setting].default
        assert numbers(each) == [default] and numbers(at_once) == [default * rule.burst / 60]
        assert rule.sentence in row


def test_each_sentence_that_it_quotes_is_one_of_ours() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in Path(ROOT, "searchsite").rglob("*.py"))
    quoted = [said[1] for row in ROWS if (said := re.search(r"\| (?:[\d or]+), ([A-Z][^|]*\.) \|$", row))]
    assert len(quoted) > 15
    assert [one for one in quoted if re.sub("100", "%(number)d", one) not in code] == []
