"""Prices: what is known, what is free, and what nobody knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest

from searchsite import config
from searchsite.accounts import prices

Priced = Callable[[str], None]


@pytest.fixture
def priced(monkeypatch: pytest.MonkeyPatch) -> Iterator[Priced]:
    """Sets PRICES for this test."""

    def put(table: str) -> None:
        monkeypatch.setenv("PRICES", table)
        config.load.cache_clear()

    yield put
    monkeypatch.undo()
    config.load.cache_clear()


def test_a_caption_of_a_full_screen_costs_what_the_table_says() -> None:
    assert prices.price_of("qwen/qwen3-vl-8b-instruct", 1222 + 150, output_tokens=200) == Decimal("0.00020976")


@pytest.mark.parametrize("name", ["Qwen3-8B", "qwen/qwen3-8b", "Qwen/Qwen3-8B"])
def test_a_name_is_known_in_any_case_and_without_its_vendor(name: str) -> None:
    assert prices.price_of(name, 1_000_000) == Decimal("0.05")


def test_another_vendors_network_has_no_known_price() -> None:
    assert prices.price_of("another/qwen3-8b", 1000) is None
    assert prices.price_of("never-heard-of", 1000) is None
    assert str(prices.estimate("never-heard-of", 1000)) == "at a price that is not known"


def test_two_vendors_of_one_network_leave_its_bare_name_without_a_price(priced: Priced) -> None:
    priced('{"a/twin": {"input": 1}, "b/twin": {"input": 2}}')
    assert prices.price_of("twin", 1000) is None
    assert prices.price_of("B/Twin", 1_000_000) == 2


def test_what_is_listed_with_nothing_is_free(priced: Priced) -> None:
    priced('{"Own/Network": {"input": 0}, "qwen/qwen3-8b": null}')
    assert prices.price_of("own/network", 0, output_tokens=10, pictures=3) == 0
    assert prices.price_of("qwen/qwen3-8b", 1000) is None
    assert prices.price_of("qwen/qwen3-embedding-4b", 1_000_000) == Decimal("0.02")


def test_a_server_of_ones_own_may_have_its_own_price(priced: Priced) -> None:
    priced('{"@gpu.lan:8000": {"input": 0}, "qwen/qwen3-8b@dear.example": {"input": 9}}')
    assert prices.rate_of("Qwen/Qwen3-8B", "gpu.lan:8000").is_free
    assert prices.rate_of("Qwen/Qwen3-8B", "dear.example").input == 9
    assert prices.rate_of("Qwen/Qwen3-8B", "openrouter.ai").input == Decimal("0.05")


def test_pictures_may_have_a_price_of_their_own(priced: Priced) -> None:
    priced('{"seer": {"input": 1, "image": 0.0003}}')
    assert prices.price_of("seer", 1_000_000, pictures=1000) == Decimal("1.3")


def test_what_the_table_leaves_out_is_unknown_and_not_nothing(priced: Priced) -> None:
    priced('{"half": {"input": 1}}')
    assert prices.price_of("half", 10, output_tokens=1) is None
    assert prices.price_of("half", 0) is None


@pytest.mark.parametrize(
    ("amount", "shown"),
    [("0", "$0.00"), ("0.00020976", "$0.00021"), ("0.5", "$0.50"), ("1234.5", "$1,234.50"), ("1E-7", "$0.00000010")],
)
def test_amounts_are_written_for_people(amount: str, shown: str) -> None:
    assert prices.dollars(Decimal(amount)) == shown


def test_an_estimate_names_the_day_of_its_prices() -> None:
    assert str(prices.estimate("qwen/qwen3-embedding-8b", 40_000_000)) == "about $0.40 (prices of 2026-11-01)"


@pytest.mark.parametrize(
    "table",
    [
        "[]",
        "{",
        '{"a": 1}',
        '{"a": {}}',
        '{"a": {"input": -1}}',
        '{"a": {"inptu": 1}}',
        '{"a": {"input": NaN}}',
        "null",
    ],
)
def test_a_bad_table_of_prices_is_one_plain_sentence(priced: Priced, table: str) -> None:
    priced(table)
    with pytest.raises(
        config.BadSettings, match=r"^The setting PRICES is wrong: it must be JSON like [^\n]*below 0\.$"
    ):
        config.load()
