"""Prices: what is known, what is free, and what nobody knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
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
    rate = prices.rate_of("qwen/qwen3-vl-8b-instruct", "openrouter.ai")
    assert rate.cost(1222 + 150, output_tokens=200) == Decimal("0.00020976")


@pytest.mark.parametrize("name", ["Qwen3-8B", "qwen/qwen3-8b", "Qwen/Qwen3-8B"])
@pytest.mark.parametrize("host", ["openrouter.ai", "OpenRouter.ai:443"])
def test_a_name_is_known_in_any_case_and_without_its_vendor(name: str, host: str) -> None:
    assert prices.rate_of(name, host).input == Decimal("0.05")


def test_what_a_network_costs_at_one_host_says_nothing_of_another() -> None:
    assert prices.rate_of("qwen/qwen3-8b", "gpu.example") is None
    assert prices.rate_of("qwen3-vl-embedding", "openrouter.ai") is None
    assert prices.rate_of("qwen3-vl-embedding", "dashscope-intl.aliyuncs.com").input == Decimal("0.258")


@pytest.mark.parametrize("host", ["127.0.0.1:9702", "localhost:8001", "10.0.0.7", "192.168.1.5:80", "[::1]:8001"])
def test_ones_own_server_costs_nothing_until_it_has_a_price(priced: Priced, host: str) -> None:
    assert prices.rate_of("Qwen/Qwen3-8B", host).is_free
    priced('{"qwen/qwen3-8b": {"input": 9}}')
    assert prices.rate_of("Qwen/Qwen3-8B", host).input == 9


def test_another_vendors_network_has_no_known_price() -> None:
    assert prices.rate_of("another/qwen3-8b", "openrouter.ai") is None
    assert prices.rate_of("never-heard-of", "8.8.8.8") is None
    assert str(prices.Estimate(None, date(2026, 11, 1))) == "at a price that is not known"


def test_two_vendors_of_one_network_leave_its_bare_name_without_a_price(priced: Priced) -> None:
    priced('{"a/twin": {"input": 1}, "b/twin": {"input": 2}}')
    assert prices.rate_of("twin") is None
    assert prices.rate_of("B/Twin").input == 2


def test_what_is_listed_with_nothing_is_free(priced: Priced) -> None:
    priced('{"Own/Network": {"input": 0}, "qwen/qwen3-8b": null}')
    assert prices.rate_of("own/network").cost(0, output_tokens=10, pictures=3) == 0
    assert prices.rate_of("qwen/qwen3-8b", "openrouter.ai") is None
    assert prices.rate_of("qwen/qwen3-embedding-4b", "openrouter.ai").input == Decimal("0.02")


def test_a_server_of_ones_own_may_have_its_own_price(priced: Priced) -> None:
    priced('{"@gpu.lan": {"input": 0}, "qwen/qwen3-8b@dear.example:80": {"input": 9}}')
    assert prices.rate_of("Qwen/Qwen3-8B", "gpu.lan:8000").is_free
    assert prices.rate_of("Qwen/Qwen3-8B", "dear.example:80").input == 9
    assert prices.rate_of("Qwen/Qwen3-8B", "dear.example:81") is None
    assert prices.rate_of("Qwen/Qwen3-8B", "openrouter.ai").input == Decimal("0.05")


def test_pictures_may_have_a_price_of_their_own(priced: Priced) -> None:
    priced('{"seer": {"input": 1, "image": 0.0003}}')
    assert prices.rate_of("seer").cost(1_000_000, pictures=1000) == Decimal("1.3")


def test_what_the_table_leaves_out_is_unknown_and_not_nothing(priced: Priced) -> None:
    priced('{"half": {"input": 1}}')
    assert prices.rate_of("half").cost(10, output_tokens=1) is None
    assert prices.rate_of("half").cost(0) is None


@pytest.mark.parametrize(
    ("amount", "shown"),
    [("0", "$0.00"), ("0.00020976", "$0.00021"), ("0.5", "$0.50"), ("1234.5", "$1,234.50"), ("1E-7", "$0.00000010")],
)
def test_amounts_are_written_for_people(amount: str, shown: str) -> None:
    assert prices.dollars(Decimal(amount)) == shown


def test_an_estimate_names_the_day_of_its_prices() -> None:
    assert str(prices.Estimate(Decimal("0.4"), date(2026, 11, 1))) == "about $0.40 (prices of 2026-11-01)"


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
