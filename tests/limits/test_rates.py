"""How often one person, token, team or address may ask."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from searchsite.accounts import rates, turns
from searchsite.config import Config
from tests import figures
from tests.made import drawn

API = "/api/v1"
SEARCH = f"{API}/search"


def codes(client, *addresses: str, **more) -> Counter[int]:
    return Counter(client.get(address, **more).status_code for address in addresses)


def test_it_answers_a_burst_of_searches_and_then_says_when_to_come_back(alice, bob, limited) -> None:
    limited(searches_per_minute=60)
    began = time.monotonic()
    found = codes(alice, *["/search?q="] * 40)
    most = 2 + (time.monotonic() - began) + 1
    assert 2 <= found[200] <= most and found[200] + found[429] == 40
    assert bob.get("/search?q=").status_code == 200, "another person's searches are their own"
    figures.keep(10, "limits-searches", asked=40, answered=found[200], refused=found[429], others_refused=0)


def test_a_person_sees_a_page_and_a_program_a_problem(alice, program, limited) -> None:
    limited(searches_per_minute=1)
    alice.get("/search?q=")
    page = alice.get("/search?q=")
    assert page.status_code == 429 and int(page["Retry-After"]) > 30
    assert "many searches in a short time" in page.content.decode() and "<html" in page.content.decode()
    caller = program()
    caller.get(SEARCH)
    problem = caller.get(SEARCH)
    assert problem.status_code == 429 and int(problem["Retry-After"]) > 30
    assert problem["Content-Type"].startswith("application/problem+json")
    assert problem.json()["code"] == "too-many" and "Try again in" in problem.json()["detail"]


def test_a_token_is_counted_apart_from_its_owner_and_from_other_tokens(alice, program, limited) -> None:
    limited(requests_per_minute=1)
    one, other = program(), program()
    assert codes(one, f"{API}/collections", f"{API}/collections") == {200: 1, 429: 1}
    assert other.get(f"{API}/collections").status_code == 200 and alice.get("/upload").status_code == 200


def test_files_count_for_the_token_that_fetches_them(program, limited) -> None:
    limited(requests_per_minute=1)
    missing = "/items/11111111-1111-4111-8111-111111111111/file"
    assert codes(program(), missing, missing) == {404: 1, 429: 1}


def test_a_token_that_nobody_asked_for_changes_nothing_of_what_is_counted(
    alice, limited, django_assert_max_num_queries
) -> None:
    """A page that takes no token counts for the session that it is asked by, before any work is done for it."""
    limited(requests_per_minute=1)
    page, stray = "/items/11111111-1111-4111-8111-111111111111", {"Authorization": "Bearer ss_made-up"}
    assert alice.get(page, headers=stray).status_code == 404
    with django_assert_max_num_queries(1):
        assert alice.get(page, headers=stray).status_code == 429, "all that is looked up is the session"


@pytest.mark.parametrize("path", ["/pictures/{}", "/trash/{}/thumbnail", "/items/{}/file", "/items/{}/thumbnail/480"])
def test_whatever_takes_a_token_counts_it_alone(program, limited, address: str, path: str) -> None:
    limited(requests_per_minute=1, visits_per_minute=1)
    asked = path.format("11111111-1111-4111-8111-111111111111")
    first, second = program(), program()
    assert [one.get(asked, REMOTE_ADDR=address).status_code for one in (first, second, first)] == [404, 404, 429]


def test_uploads_count_for_the_person_and_for_the_team(alice, bob, program, limited) -> None:
    limited(team_uploads_per_minute=18)
    note = json.dumps({"text": "Water the roses."})

    def put(client) -> int:
        return client.post(f"{API}/items", note, content_type="application/json").status_code

    first, second = program(), program()
    assert [put(first), put(second), put(first), put(second)] == [201, 201, 201, 429]
    refused = bob.post("/upload", {"file": SimpleUploadedFile("a.txt", b"a")})
    assert refused.status_code == 429 and "Your team puts very much in" in refused.content.decode()


def test_each_file_of_a_form_counts(alice, limited) -> None:
    limited(uploads_per_minute=18)
    files = [SimpleUploadedFile(f"{number}.txt", b"words %d" % number) for number in range(3)]
    assert alice.post("/upload", {"file": files}).status_code == 302
    assert alice.post("/upload", {"file": files[:1]}).status_code == 429


def test_pictures_to_search_by_have_a_limit(alice, program, limited) -> None:
    """Each costs a call to the embedder: a thousand a minute would cost somebody's money."""
    limited(pictures_per_minute=3)

    def shown() -> SimpleUploadedFile:
        return SimpleUploadedFile("a.jpg", drawn("red"))

    assert alice.post("/search/picture", {"file": shown()}).status_code == 302
    answers = [alice.post("/search/picture", {"file": shown()}) for _ in range(20)]
    assert {one.status_code for one in answers} == {429}
    caller = program()
    assert caller.post(f"{API}/pictures", {"file": shown()}).status_code == 201
    assert caller.post(f"{API}/pictures", {"file": shown()}).status_code == 429
    figures.keep(10, "limits-pictures", asked=23, embedded=2, refused=21)


def test_questions_have_a_limit(alice, program, limited) -> None:
    limited(questions_per_minute=1)
    asked = json.dumps({"question": "How long does the dough rest?"})
    assert [alice.post("/ask/stream", {"q": "dough"}).status_code for _ in range(2)][1] == 429
    caller = program()
    answers = [caller.post(f"{API}/ask", asked, content_type="application/json").status_code for _ in range(2)]
    assert answers[0] != 429 and answers[1] == 429


@pytest.mark.parametrize(
    "path", ["/accounts/login/", "/nothing-here", f"{API}/items", f"{API}/nothing", f"{API}/openapi.json"]
)
@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer ss_made-up"}, {"Authorization": "x"}])
def test_whoever_has_not_signed_in_is_counted_by_address(client, db, limited, address, path, header) -> None:
    limited(visits_per_minute=9)
    seen = [client.get(path, headers=header, REMOTE_ADDR=address).status_code for _ in range(4)]
    assert 429 not in seen[:3] and seen[3] == 429


def test_a_network_of_addresses_is_one_household(client, db, limited, address) -> None:
    limited(visits_per_minute=3)
    neighbour = f"{address}23"
    assert client.get("/accounts/login/", REMOTE_ADDR=address).status_code == 200
    assert client.get("/accounts/login/", REMOTE_ADDR=neighbour).status_code == 429


def test_whoever_watches_the_site_asks_as_often_as_they_like(client, db, limited, address) -> None:
    limited(visits_per_minute=1)
    assert codes(client, *["/livez"] * 30, REMOTE_ADDR=address) == {200: 30}


def test_a_whole_import_of_a_team_is_in_no_bodys_way() -> None:
    """What two cores take in, and more: 100,000 pictures by one token in a quarter of an hour."""
    config = Config()
    assert config.uploads_per_minute >= 100_000 / 17 and config.requests_per_minute >= config.uploads_per_minute
    assert config.team_uploads_per_minute >= 2 * config.uploads_per_minute


def test_what_is_refused_costs_nothing_of_another_limit(database_and_broker, limited) -> None:
    limited(requests_per_minute=60, searches_per_minute=30)
    who = f"user:{time.monotonic_ns()}"
    rates.spend((rates.REQUESTS, who), (rates.SEARCHES, who))
    for _ in range(4):
        with pytest.raises(rates.TooOften):
            rates.spend((rates.REQUESTS, who), (rates.SEARCHES, who))
    for _ in range(9):
        rates.spend((rates.REQUESTS, who))


def test_all_processes_count_together(database_and_broker, limited) -> None:
    limited(searches_per_minute=60)
    who = f"user:{time.monotonic_ns()}"
    rates.spend((rates.SEARCHES, who), amount=2)
    elsewhere = rates._Store()
    assert elsewhere.take([(rates.SEARCHES, who)], 1)[0] == 1


def test_each_process_counts_for_itself_while_the_broker_is_away(limited, settings, tmp_path) -> None:
    limited(searches_per_minute=60)
    settings.CELERY_BROKER_URL = f"redis+socket://{tmp_path}/nobody.sock"
    store = rates._Store()
    taken = [store.take([(rates.SEARCHES, "user:1")], 1)[0] for _ in range(5)]
    assert taken == [0, 0, 1, 1, 1]


def test_a_count_costs_far_less_than_a_millisecond(database_and_broker, limited) -> None:
    limited(requests_per_minute=10**9, searches_per_minute=10**9)
    rates.spend((rates.REQUESTS, "user:0"))
    began = time.perf_counter()
    for _ in range(300):
        rates.spend((rates.REQUESTS, "user:0"), (rates.SEARCHES, "user:0"))
    took = (time.perf_counter() - began) / 300
    figures.keep(10, "limits-cost", milliseconds=round(took * 1000, 3))
    assert took < 0.01


def test_two_searches_of_a_person_run_and_few_more_wait() -> None:
    held = [turns.take("user:1", most=2) for _ in range(2)]
    outcomes: list[str] = []

    def one() -> None:
        try:
            turns.take("user:1", most=2).free()
        except turns.TooMany:
            outcomes.append("sent away")
        else:
            outcomes.append("answered")

    threads = [threading.Thread(target=one) for _ in range(20)]
    for thread in threads:
        thread.start()
    turns.take("user:2", most=2).free()
    while len(outcomes) < 16:
        time.sleep(0.01)
    assert outcomes == ["sent away"] * 16, "a person's searches hold few threads, whatever they send"
    for turn in held:
        turn.free()
    for thread in threads:
        thread.join()
    assert Counter(outcomes) == {"sent away": 16, "answered": 4}
    assert not turns._running and not turns._waiting
