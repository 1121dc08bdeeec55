"""The engine: batches by tokens, questions first, memory that runs out, prompts too long, and speech."""

from __future__ import annotations

import json
import queue
import socket
import threading
import time

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from searchsite.inference.batching import BatchLane, batches
from searchsite.inference.builtin.pictures import open_picture
from searchsite.inference.dialects.base import ChatTask
from searchsite.inference.errors import BadInput, Overloaded, Refused
from searchsite.inference.local import CannotLoad, Local, open_desk
from searchsite.inference.qwen import checkpoint, device
from searchsite.inference.qwen.rows import Cut
from searchsite.inference.qwen.served import Job
from searchsite.inference.qwen.wire import ChatRequest
from searchsite.inference.types import EmbedInput, Message
from searchsite.inference.wire import EmbeddingsRequest, data_url
from tests.qwen import checkpoints, drawn
from tests.qwen.fixtures import COMMIT, READING, SEEING

CAT = "A cat standing in the snow."


def test_batches_keep_to_the_budget_and_to_like_lengths():
    lengths = [int(length) for length in np.random.default_rng(5).integers(1, 3000, 400)]
    found = batches(lengths, 4096)
    assert sorted(place for batch in found for place in batch) == list(range(400))
    for batch in found:
        longest = lengths[batch[0]]
        assert len(batch) * longest <= 4096 and all(longest - lengths[at] <= max(64, longest / 4) for at in batch)
    assert batches([5000, 10], 4096) == [[0], [1]]


def test_questions_go_before_bulk_and_share_a_pass():
    passes: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
    gate = threading.Event()

    def work(jobs):
        passes.put(list(jobs))
        assert gate.wait(20)
        return jobs

    lane: BatchLane[str, str] = BatchLane("test", choose=lambda jobs: range(min(2, len(jobs))), work=work)
    futures = lane.submit(["bulk 1", "bulk 2", "bulk 3", "bulk 4"], bulk=True)
    assert passes.get(timeout=20) == ["bulk 1", "bulk 2"]
    futures += lane.submit(["question 1"]) + lane.submit(["question 2"])
    gate.set()
    assert [future.result(20) for future in futures][-1] == "question 2"
    assert passes.get() == ["question 1", "question 2"] and passes.get() == ["bulk 3", "bulk 4"]
    assert lane.stop(5)
    with pytest.raises(Overloaded):
        lane.run(["late"])


def test_what_nobody_waits_for_any_more_is_dropped():
    gate = threading.Event()
    lane: BatchLane[int, int] = BatchLane("test", choose=lambda jobs: [0], work=lambda jobs: gate.wait(20) and jobs)
    running = lane.submit([1])
    with pytest.raises(Refused, match="nobody waits"):
        lane.run([2], gone=lambda: True)
    gate.set()
    assert running[0].result(20) == 1 and lane.stop(5)


def test_a_batch_that_memory_cannot_hold_is_halved():
    sizes = []

    def work(rows):
        sizes.append(len(rows))
        if len(rows) > 2 or 13 in rows:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return rows

    assert device.in_memory(work, [1, 2, 3, 4, 13, 6, 7, 8]) == [1, 2, 3, 4, None, 6, 7, 8]
    assert sizes[0] == 8 and max(sizes[1:]) == 4
    with pytest.raises(RuntimeError, match="something else"):
        device.in_memory(lambda rows: (_ for _ in ()).throw(RuntimeError("something else")), [1])


def test_a_long_text_is_cut_but_never_a_picture_or_the_end(desk):
    scribe = desk.served[SEEING].network.scribe
    prompt = (
        f"<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>{CAT * 50}<|im_end|>\n<|im_start|>assistant\n"
    )
    pixels = scribe.pixels(open_picture(drawn.noise(320, 320).data))
    whole = scribe.expanded(scribe.ids(prompt, ending=True), [pixels], Cut(10_000, 6))
    cut = scribe.expanded(scribe.ids(prompt, ending=True), [pixels], Cut(150, 6))
    assert len(cut) == 150 and cut.ids[-6:] == whole.ids[-6:] and cut.ids.count(scribe.picture_token) == 100
    with pytest.raises(BadInput, match="pictures alone"):
        scribe.expanded(scribe.ids(prompt, ending=True), [pixels], Cut(60, 6))


def test_many_clients_at_once_get_their_own_vectors(our_client):
    inputs = [[EmbedInput(f"{CAT} {number}"), EmbedInput(None, drawn.ramp(64, 32 * number))] for number in range(1, 9)]
    alone = [our_client.embed(one, purpose="document").vectors for one in inputs]
    found: dict[int, object] = {}
    threads = [
        threading.Thread(
            target=lambda at=at, one=one: found.__setitem__(at, our_client.embed(one, purpose="query").vectors)
        )
        for at, one in enumerate(inputs)
    ]
    threads += [
        threading.Thread(target=our_client.embed, args=(one,), kwargs={"purpose": "document"}) for one in inputs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    again = [our_client.embed(one, purpose="query").vectors for one in inputs]
    for at, one in enumerate(again):
        np.testing.assert_allclose(found[at], one, atol=1e-5)
        assert not np.allclose(one, alone[at], atol=1e-3)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"input": "  "}, "neither text nor picture"),
        ({"input": "a", "dimensions": 65}, "has 64 dimensions"),
        ({"messages": [{"role": "user", "content": "a <|image_pad|>"}]}, None),
        ({"input": "a <|image_pad|>"}, "places for 0 pictures"),
    ],
)
def test_bad_inputs_are_told(desk, body, said):
    request = EmbeddingsRequest.model_validate({"model": SEEING, **body})
    if said is None:
        assert desk.embed(request, bool)[0].shape == (1, 64)
    else:
        with pytest.raises(BadInput, match=said):
            desk.embed(request, bool)


def test_a_picture_for_a_network_without_eyes_is_refused(desk):
    talk = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": data_url(drawn.ramp(64, 64))}}]}]
    with pytest.raises(BadInput, match="texts only"):
        desk.embed(EmbeddingsRequest.model_validate({"model": READING, "messages": talk}), bool)


def test_a_stream_is_the_whole_answer_in_pieces(our_client):
    task = ChatTask("", [Message("user", CAT)], most_tokens=40)
    whole = our_client.chat("answer", task, seconds=60)
    with our_client.stream("answer", task, seconds=60) as pieces:
        heard = list(pieces)
    assert "".join(piece.text for piece in heard) == whole.text and len(heard) > 5
    assert heard[-1].finish == whole.finish == "length" and heard[-1].usage.output_tokens == 40


def test_answers_of_many_at_once_are_their_own(our_client):
    tasks = [ChatTask("", [Message("user", CAT * number)], most_tokens=8 * number) for number in range(1, 5)]
    alone = [our_client.chat("answer", task, seconds=60).text for task in tasks]
    found: dict[int, str] = {}
    threads = [
        threading.Thread(
            target=lambda at=at, task=task: found.__setitem__(at, our_client.chat("answer", task, seconds=60).text)
        )
        for at, task in enumerate(tasks)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[at] for at in range(4)] == alone


def test_a_stream_that_is_left_ends_the_talking(desk, our_client):
    lane = desk.served[SEEING].lane
    task = ChatTask("", [Message("user", CAT)], most_tokens=3000)
    with our_client.stream("answer", task, seconds=60) as pieces:
        next(pieces)
    begun = time.monotonic()
    lane.run([Job("embed", desk.served[SEEING].network.scribe.row(CAT, ending=True, cut=Cut(100, 1)))])
    assert time.monotonic() - begun < 20


def test_an_answer_that_nobody_waits_for_ends_the_talking(desk, ours):
    body = {"model": SEEING, "messages": [{"role": "user", "content": CAT}], "max_tokens": 30_000, "temperature": 0}
    data = json.dumps(body).encode()
    with socket.socket(socket.AF_UNIX) as raw:
        raw.connect(str(ours))
        raw.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(data), data))
        time.sleep(1)
    lane = desk.served[SEEING].lane
    begun = time.monotonic()
    lane.run([Job("embed", desk.served[SEEING].network.scribe.row(CAT, ending=True, cut=Cut(100, 1)))])
    assert time.monotonic() - begun < 20


def test_a_template_may_stand_in_the_processors_file(tmp_path):
    path = checkpoints.seeing(tmp_path)
    template = path / "chat_template.jinja"
    (path / "chat_template.json").write_text(json.dumps({"chat_template": template.read_text()}))
    template.unlink()
    found = open_desk(Local(((str(path), frozenset({"answer"})),), device="cpu"))
    talk = found.talk(ChatRequest(model=str(path), messages=[{"role": "user", "content": CAT}]))
    assert len(talk.row) > 10 and found.stop(5)


def test_thinking_is_told_by_the_template(desk):
    turns = [{"role": "user", "content": CAT}]
    scribe = desk.served[READING].network.scribe
    for thinking, closed in ((False, 1), (True, 0), (None, 0)):
        flags = {"enable_thinking": thinking}
        talk = desk.talk(ChatRequest(model=READING, messages=turns, chat_template_kwargs=flags))
        assert scribe.tokenizer.decode(talk.row.ids).count("</think>") == closed


def test_a_hub_name_is_found_in_the_cache_and_named_by_its_commit(weights):
    found = checkpoint.find(SEEING, download=False)
    assert found.path == weights[SEEING] and found.revision == COMMIT[:12] and found.kind == "vision"


def test_a_directory_is_named_by_what_is_in_it(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    for path in (first, second):
        checkpoints.seeing(path)
    assert _revision(first) == _revision(second)
    with (second / "model.safetensors").open("r+b") as file:
        file.seek(-8, 2)
        file.write(b"\x01\x02")
    assert _revision(first) != _revision(second)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Qwen/Qwen3-VL-Embedding-8B", "hf download Qwen/Qwen3-VL-Embedding-8B"),
        ("no such place/at all", "no name of the Hugging Face hub"),
    ],
)
def test_missing_weights_are_told_with_what_to_do(weights, name, said):
    with pytest.raises(CannotLoad, match=said):
        open_desk(Local(((name, frozenset({"embed"})),), device="cpu"))


def test_broken_checkpoints_are_told(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(CannotLoad, match="neither a Qwen3 nor"):
        checkpoint.find(str(tmp_path), download=False)
    (tmp_path / "config.json").write_text('{"model_type": "qwen3"}')
    with pytest.raises(CannotLoad, match="no weights"):
        checkpoint.find(str(tmp_path), download=False)


def test_weights_that_lack_something_are_refused(tmp_path):
    file = checkpoints.reading(tmp_path) / "model.safetensors"
    tensors = load_file(file)
    tensors.pop("model.layers.1.mlp.up_proj.weight")
    save_file(tensors, file, {"format": "pt"})
    with pytest.raises(CannotLoad, match=r"lacks weights .*: layers\.1\.mlp\.up_proj"):
        open_desk(Local(((str(tmp_path), frozenset({"embed"})),), device="cpu"))


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
def test_damaged_files_are_told(tmp_path, name):
    file = checkpoints.seeing(tmp_path) / name
    file.write_bytes(file.read_bytes()[:-20].replace(b'"num_hidden_layers": 2', b'"num_hidden_layers": 3'))
    with pytest.raises(CannotLoad, match=r"cannot be loaded|no readable config.json"):
        open_desk(Local(((str(tmp_path), frozenset({"embed"})),), device="cpu"))


def test_a_device_that_is_not_there_is_told():
    with pytest.raises(CannotLoad, match="QWEN_DEVICE=cuda:7"):
        device.choose("cuda:7", "auto")


def _revision(path):
    return checkpoint.find(str(path), download=False).revision
