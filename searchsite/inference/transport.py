"""HTTP with a limit on everything: one wall-clock deadline a call, a byte cap on the answer, typed errors.

Built on httpcore rather than httpx: only there can a deadline cover connecting, sending, the head and the
body together. A server that drips a byte a second defeats a timeout that starts anew with each read.
"""

from __future__ import annotations

import json
import ssl
import time
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpcore

from searchsite.inference.deadline import Clock, Connections
from searchsite.inference.errors import (
    BadAnswer,
    BadInput,
    InferenceError,
    Overloaded,
    Refused,
    ServerFailed,
    TooSlow,
    Unauthorised,
    Unreachable,
)
from searchsite.inference.stages import Endpoint
from searchsite.inference.wire import input_index

KEPT_SECONDS = 30.0
"""Less than servers keep an idle connection, so that one is never used just as it closes."""
SHORTEST_WAIT, LONGEST_WAIT = 1.0, 600.0
QUOTED = 200
COME_BACK = {408, 425, 429, 503, 529}
KEY_TROUBLE = {401, 402, 403}
BAD_GATEWAY, GATEWAY_TIMEOUT = 502, 504


def _host(url: str) -> str:
    """Host and port of a URL, without the credentials that may stand before them."""
    return urlsplit(url).netloc.rpartition("@")[2]


class Transport:
    """Kept-alive connections to one endpoint. Thread-safe."""

    def __init__(self, endpoint: Endpoint, *, connections: int) -> None:
        self._endpoint = endpoint
        self._base = endpoint.url.rstrip("/").removesuffix("/v1")
        self._clock = Clock()
        self._pool = httpcore.ConnectionPool(
            max_connections=connections,
            keepalive_expiry=KEPT_SECONDS,
            uds=str(endpoint.socket) if endpoint.socket else None,
            network_backend=Connections(self._clock),
        )

    def call(self, path: str, payload: Any = None, *, end: float, most: int) -> Any:
        """The parsed JSON answer, complete before `end` (monotonic time) and of `most` bytes at most."""
        name = self._endpoint.name
        self._clock.end = end
        try:
            return self._exchange(path, payload, most)
        except httpcore.PoolTimeout as error:
            raise Overloaded(f"too many calls to {name} are under way") from error
        except httpcore.ConnectTimeout as error:
            raise Unreachable(f"{name} does not answer") from error
        except httpcore.TimeoutException as error:
            raise TooSlow(f"{name} took too long to answer") from error
        except httpcore.ConnectError as error:
            raise Unreachable(f"{name} cannot be reached") from error
        except (httpcore.NetworkError, httpcore.RemoteProtocolError, ssl.SSLError) as error:
            raise Unreachable(f"{name} broke the connection") from error
        except (httpcore.UnsupportedProtocol, httpcore.LocalProtocolError, ValueError):
            # Without the cause: it quotes the header, and so the key.
            raise Refused(f"{name} cannot be called: its address or key is malformed") from None

    def close(self) -> None:
        """Close the kept connections."""
        self._pool.close()

    def _exchange(self, path: str, payload: Any, most: int) -> Any:
        content = None if payload is None else json.dumps(payload, separators=(",", ":")).encode()
        with self._pool.stream(
            "GET" if content is None else "POST",
            self._base + path,
            headers=self._headers(),
            content=content,
            extensions={"timeout": {"pool": self._clock.left()}},
        ) as response:
            headers = {name.lower(): value.decode("latin-1") for name, value in response.headers}
            if headers.get(b"content-encoding", "identity") != "identity":
                raise BadAnswer(f"{self._endpoint.name} compressed its answer, though asked not to")
            body = self._body(response, most)
        return self._parsed(response.status, headers.get(b"retry-after"), body)

    def _headers(self) -> list[tuple[str, str]]:
        # Unpacked, an answer's size would be known only after it was in memory.
        headers = [("Accept", "application/json"), ("Accept-Encoding", "identity")]
        headers += [("Content-Type", "application/json"), ("Host", _host(self._base))]
        if self._endpoint.key:
            headers.append(("Authorization", f"Bearer {self._endpoint.key.get_secret_value()}"))
        return headers

    def _body(self, response: httpcore.Response, most: int) -> bytes:
        body = bytearray()
        for chunk in response.iter_stream():
            body += chunk
            if len(body) > most:
                raise BadAnswer(f"{self._endpoint.name} answered with more than {most} bytes")
        return bytes(body)

    def _parsed(self, status: int, retry_after: str | None, body: bytes) -> Any:
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            answer = None
        fault = answer.get("error") if isinstance(answer, dict) else None
        if status == 200 and fault is None:
            if answer is None:
                raise BadAnswer(f"{self._endpoint.name} answered with something that is not JSON: {self._quoted(body)}")
            return answer
        code, message, place = _fault(fault)
        said = self._quoted(message.encode("utf-8", "replace") if message else body)
        if status == 200:
            status = code or 0
        raise _error(status, f"{self._endpoint.name}: {said or status}", wait=_wait(retry_after), place=place)

    def _quoted(self, body: bytes) -> str:
        """The beginning of an answer, fit for a message; a server may send our key back."""
        text = body.decode("utf-8", "replace")
        if self._endpoint.key:
            text = text.replace(self._endpoint.key.get_secret_value(), "[key]")
        return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:QUOTED]


def _fault(fault: Any) -> tuple[int | None, str | None, int | None]:
    """Code, message and place of the input in an error of the dialect, as far as they are there."""
    if not isinstance(fault, dict):
        return None, fault if isinstance(fault, str) else None, None
    code, message, param = (fault.get(name) for name in ("code", "message", "param"))
    return (
        code if isinstance(code, int) else None,
        message if isinstance(message, str) else None,
        input_index(param) if isinstance(param, str) else None,
    )


def _error(status: int, message: str, *, wait: float | None, place: int | None) -> InferenceError:
    if status in COME_BACK:
        return Overloaded(message, retry_after=wait)
    if status in KEY_TROUBLE:
        return Unauthorised(message, retry_after=wait)
    if status == BAD_GATEWAY:
        return Unreachable(message, retry_after=wait)
    if status == GATEWAY_TIMEOUT:
        return TooSlow(message, retry_after=wait)
    if status >= 500:
        return ServerFailed(message, retry_after=wait)
    if status < 300:
        return BadAnswer(message)
    return Refused(message) if place is None else BadInput(message, index=place)


def _wait(header: str | None) -> float | None:
    """`Retry-After` in seconds, from a number or a date, within bounds; nothing where it says nothing."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(header).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError):
            return None
    return None if seconds != seconds else min(max(seconds, SHORTEST_WAIT), LONGEST_WAIT)
