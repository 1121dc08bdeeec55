"""Asks the supervised decoder. One warm parent belongs to each process that asks; it ends with its owner."""

from __future__ import annotations

import atexit
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from searchsite.library.decoder.protocol import (
    LARGEST_ANSWER,
    MARK,
    TRAILER,
    WALL_SECONDS,
    Decoded,
    DecoderBusy,
    DecoderGone,
    End,
    Facts,
    Policy,
    Spent,
    Undecodable,
    is_frame,
    unpack_answer,
)

ROOT = Path(__file__).resolve().parents[3]
DECODER = (sys.executable, "-E", "-m", "searchsite.library.decoder")
# Each child may take MEMORY_BYTES.
AT_ONCE = max(2, os.cpu_count() or 2)
PATIENCE = WALL_SECONDS + 5.0
# What stands for an answer that is too long.
ENDLESS = TRAILER.pack(MARK, End.BADLY, 0, 0, 0)
# It is written into pages as it is.
PLACEHOLDER = re.compile(r"data:image/webp;base64,[A-Za-z0-9+/]{1,4000}={0,2}")
SENTENCES: dict[int, str] = {
    End.TOO_SLOW: "This picture takes too long to decode.",
    End.KILLED: "This picture makes the decoder crash.",
    End.BADLY: "This picture makes the decoder fail.",
}


class _Parent:
    """The warm parent of this process."""

    def __init__(self, program: tuple[str, ...] = DECODER) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            # An empty environment: no keys, no addresses. PR_SET_PDEATHSIG would follow the thread that starts it,
            # not the process; the end of the socket is what tells it that its owner is gone.
            self.process = subprocess.Popen(
                [*program, str(theirs.fileno())],
                env={},
                cwd=ROOT,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        self.requests = ours

    def end(self) -> None:
        self.requests.close()
        self.process.kill()
        self.process.wait()


class _State:
    """What a process knows of its decoder; made anew in a forked child."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.room = threading.BoundedSemaphore(AT_ONCE)
        self.parent: _Parent | None = None


_state = _State()


def decode(path: Path, policy: Policy) -> Decoded:
    """Decode one file. Raises Undecodable (final), DecoderGone or DecoderBusy (try again), FileNotFoundError."""
    state = _state
    if not state.room.acquire(timeout=PATIENCE):
        raise DecoderBusy("The decoder is busy.")
    try:
        upload = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            answer = _ask(state, upload, policy) or _ask(state, upload, policy)
        finally:
            os.close(upload)
    finally:
        state.room.release()
    if answer is None:
        raise DecoderGone("The decoder died.")
    return _decoded(answer, policy)


def walls() -> dict[str, bool]:
    """Which of the walls around a child this machine's kernel allows: `network`, `files`, `calls`; all measured."""
    ran = subprocess.run(DECODER, env={}, cwd=ROOT, capture_output=True, timeout=PATIENCE, check=True)
    return {str(wall): bool(stands) for wall, stands in json.loads(ran.stdout).items()}


def close() -> None:
    """End this process's decoder, if it has one; the next question starts another."""
    with _state.lock:
        parent, _state.parent = _state.parent, None
    if parent is not None:
        parent.end()


def decoder_pid() -> int | None:
    """The process id of the warm parent, if one runs."""
    parent = _state.parent
    return parent.process.pid if parent is not None else None


def _ask(state: _State, upload: int, policy: Policy) -> bytes | None:
    """Send one request and read its answer to the end; None when the parent died over it."""
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            parent = _send(state, policy.pack(), [upload, theirs.fileno()])
        answer = _read(ours)
    if parent is None or answer is None or answer[-TRAILER.size :][: len(MARK)] != MARK:
        _bury(state, parent)
        return None
    return answer


def _send(state: _State, request: bytes, descriptors: list[int]) -> _Parent | None:
    with state.lock:
        if state.parent is None:
            state.parent = _Parent()
        parent = state.parent
        try:
            os.lseek(descriptors[0], 0, os.SEEK_SET)
            socket.send_fds(parent.requests, [request], descriptors)
        except (BrokenPipeError, ConnectionResetError):
            pass  # Reading finds no answer, and the next try has a new parent.
        return parent


def _read(reply: socket.socket) -> bytes | None:
    deadline, size = time.monotonic() + PATIENCE, 0
    chunks: list[bytes] = []
    while size <= LARGEST_ANSWER:
        reply.settimeout(max(0.01, deadline - time.monotonic()))
        try:
            chunk = reply.recv(1 << 20)
        except (TimeoutError, ConnectionResetError):
            return None
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)
        size += len(chunk)
    return ENDLESS


def _bury(state: _State, dead: _Parent | None) -> None:
    with state.lock:
        if dead is None or state.parent is not dead:
            return  # Another thread has seen to it.
        state.parent = None
    dead.end()


def _decoded(answer: bytes, policy: Policy) -> Decoded:
    _mark, end, _signal, megabytes, milliseconds = TRAILER.unpack(answer[-TRAILER.size :])
    spent = Spent(megabytes, milliseconds / 1000)
    if end == End.UNBEGUN:
        raise DecoderBusy("The decoder is busy.")
    if end == End.SHOT:
        raise DecoderGone("The decoder died.")
    try:
        if end != End.WELL:
            raise Undecodable(SENTENCES.get(end, SENTENCES[End.BADLY]))
        return replace(_believed(answer[: -TRAILER.size], policy), spent=spent)
    except Undecodable as error:
        error.spent = spent
        raise


def _believed(answer: bytes, policy: Policy) -> Decoded:
    try:
        header, pictures = unpack_answer(answer)
        if "error" in header:
            raise Undecodable(str(header["error"])[:300])
        return _checked(header, pictures, policy)
    # A child that a file has taken over says what it likes; the last is what deeply nested JSON makes.
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Undecodable(SENTENCES[End.BADLY]) from error


def _checked(header: dict[str, Any], pictures: list[bytes], policy: Policy) -> Decoded:
    """Take from the answer only what has the right form. Raises ValueError, KeyError or TypeError."""
    derivatives = dict(zip(header["sizes"], pictures, strict=True))
    made = all(size in policy.sizes and is_frame(data, size) for size, data in derivatives.items())
    width, height, placeholder = header["width"], header["height"], header["placeholder"]
    sized = all(type(side) is int and 1 <= side <= policy.max_side for side in (width, height))
    tiny = type(placeholder) is str and PLACEHOLDER.fullmatch(placeholder)
    facts = Facts(**header["facts"])
    flags, shares = (facts.lossless, facts.camera, facts.told), (facts.clear, facts.flat, facts.sharp)
    known = all(type(one) is bool for one in flags) and all(type(one) is float and 0 <= one <= 1 for one in shares)
    if not (derivatives and made and sized and tiny and known):
        raise ValueError("the answer has the wrong form")
    return Decoded(width, height, placeholder, derivatives, facts)


def _forget() -> None:
    """In a forked child: the decoder belongs to whoever forked us. Closing our copy lets it see its owner's end."""
    global _state
    inherited, _state = _state.parent, _State()
    if inherited is not None:
        inherited.requests.close()
        inherited.process.returncode = 0  # Not ours to wait for.


os.register_at_fork(after_in_child=_forget)
atexit.register(close)
