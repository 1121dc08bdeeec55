"""HTTP with a limit on everything: one wall-clock deadline a call, a byte cap on the answer, typed errors.

Built on httpcore rather than httpx: only there can a deadline cover connecting, sending, the head and the
body together. A server that drips a byte a second defeats a timeout that starts anew with each read.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpcore

from searchsite.inference import sse
from searchsite.inference.deadline import Clock, Connections
from searchsite.inference.dialects.base import Dialect, Request
from searchsite.inference.errors import BadAnswer, Busy, InferenceError, Refused, TooSlow, Unreachable
from searchsite.inference.stages import Endpoint

KEPT_SECONDS = 30.0
"""Some servers close an idle connection sooner; the pool looks before it uses one again."""
QUOTED = 200
ERROR_BYTES = 1024 * 1024
LEAST_KEY = 6
"""What is shorter is no secret, and stands in many words."""
Headers = Mapping[bytes, str]


class Transport:
    """Kept-alive connections to one endpoint. Thread-safe."""

    def __init__(self, endpoint: Endpoint, dialect: Dialect, *, connections: int) -> None:
        self._endpoint = endpoint
        self._dialect = dialect
        self._base = endpoint.url.rstrip("/").removesuffix("/v1")
        self._clock = Clock()
        self._pool = httpcore.ConnectionPool(
            max_connections=connections,
            keepalive_expiry=KEPT_SECONDS,
            uds=str(endpoint.socket) if endpoint.socket else None,
            network_backend=Connections(self._clock),
        )

    def call(self, request: Request, *, end: float, most: int) -> Any:
        """The parsed JSON answer, complete before `end` (monotonic time) and of `most` bytes at most."""
        with self.typed(end), ExitStack() as stack:
            response, headers = self._open(stack, request)
            body = self._body(response, most)
            if not _framed(response) and parsed(body) is None and body.lstrip()[:1] in (b"", b"{", b"["):
                raise self._broken()
            return self._parsed(response.status, headers, body)

    def stream(self, request: Request, *, end: float, most: int) -> Events:
        """The events of an answer as they come. Raises as `call` does where the server does not begin to stream."""
        with self.typed(end), ExitStack() as stack:
            response, headers = self._open(stack, request)
            if response.status == 200 and "text/event-stream" in headers.get(b"content-type", ""):
                return Events(self, response, stack.pop_all(), end=end, most=most)
            self._parsed(response.status, headers, self._body(response, ERROR_BYTES))
            raise BadAnswer(f"{self._endpoint.name} did not stream its answer")

    def close(self) -> None:
        """Close the kept connections."""
        self._pool.close()

    @contextmanager
    def typed(self, end: float) -> Iterator[None]:
        """Give what happens inside the deadline, and make its failures typed errors that show no key."""
        name = self._endpoint.name
        self._clock.end = end
        try:
            yield
        except httpcore.PoolTimeout as error:
            raise Busy(f"too many calls to {name} are under way") from error
        except httpcore.ConnectTimeout as error:
            raise Unreachable(f"{name} does not answer") from error
        except httpcore.TimeoutException as error:
            raise TooSlow(f"{name} took too long to answer") from error
        except httpcore.ConnectError as error:
            raise Unreachable(f"{name} cannot be reached") from error
        except (httpcore.NetworkError, httpcore.RemoteProtocolError, ssl.SSLError) as error:
            raise self._broken() from error
        except (httpcore.UnsupportedProtocol, httpcore.LocalProtocolError, ValueError):
            # Without the cause: it quotes the header, and so the key.
            raise Refused(f"{name} cannot be called: its address or key is malformed") from None

    @contextmanager
    def masked(self) -> Iterator[None]:
        """Take the key out of errors that quote what the server said."""
        try:
            yield
        except InferenceError as error:
            error.reword(self._masked(error.message))
            raise

    def fault(self, status: int, headers: Headers, answer: Any, body: bytes) -> InferenceError | None:
        """The error that an answer is or carries, with the server's name."""
        if 300 <= status < 400:
            return Unreachable(f"{self._endpoint.name} sends calls on to another address, which is not followed")
        error = self._dialect.fault(status, answer, _retry_after(headers))
        if error is None:
            return None if status == 200 else BadAnswer(f"{self._endpoint.name} answered with status {status}")
        said = error.message if answer is not None else f"{status} {self._quoted(body)}".strip()
        error.reword(f"{self._endpoint.name}: {said}")
        if isinstance(error, Unreachable):
            error.broke = True
        return error

    def _broken(self) -> Unreachable:
        error = Unreachable(f"{self._endpoint.name} broke the connection")
        error.broke = True
        return error

    def _open(self, stack: ExitStack, request: Request) -> tuple[httpcore.Response, Headers]:
        content = None if request.payload is None else json.dumps(request.payload, separators=(",", ":")).encode()
        response = stack.enter_context(
            self._pool.stream(
                "GET" if content is None else "POST",
                self._base + request.path,
                headers=self._headers(),
                content=content,
                extensions={"timeout": {"pool": self._clock.left()}},
            )
        )
        headers = {name.lower(): value.decode("latin-1") for name, value in response.headers}
        if headers.get(b"content-encoding", "identity") != "identity":
            raise BadAnswer(f"{self._endpoint.name} compressed its answer, though asked not to")
        return response, headers

    def _headers(self) -> list[tuple[str, str]]:
        # Unpacked, an answer's size would be known only after it was in memory.
        headers = {"Accept": "application/json, text/event-stream", "Accept-Encoding": "identity"}
        headers |= {"Content-Type": "application/json", "Host": _host(self._base)}
        return list((headers | self._dialect.headers(self._key())).items())

    def _key(self) -> str | None:
        return self._endpoint.key.get_secret_value() if self._endpoint.key else None

    def _body(self, response: httpcore.Response, most: int) -> bytes:
        body = bytearray()
        for chunk in response.iter_stream():
            body += chunk
            if len(body) > most:
                raise BadAnswer(f"{self._endpoint.name} answered with more than {most} bytes")
        return bytes(body)

    def _parsed(self, status: int, headers: Headers, body: bytes) -> Any:
        answer = parsed(body)
        fault = self.fault(status, headers, answer, body)
        if fault is not None and self._key() is not None:
            # Once more without the key: a message that was cut within it would show its beginning.
            plain = self._masked(_plain(answer, body))
            fault = self.fault(status, headers, parsed(plain), plain.encode("utf-8", "replace")) or fault
        if fault is not None:
            raise fault
        if answer is None:
            raise BadAnswer(f"{self._endpoint.name} answered with something that is not JSON: {self._quoted(body)}")
        return answer

    def _quoted(self, body: bytes) -> str:
        """The beginning of an answer, fit for a message."""
        text = self._masked(body.decode("utf-8", "replace"))
        return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:QUOTED]

    def _masked(self, text: str) -> str:
        """The text without the key, which a server may send back."""
        key = self._key()
        return text.replace(key, "[key]") if key and len(key) >= LEAST_KEY else text


class Events:
    """The events of one streamed answer, once. Closing it closes the connection at once, from any thread."""

    def __init__(
        self, transport: Transport, response: httpcore.Response, opened: ExitStack, *, end: float, most: int
    ) -> None:
        self._transport = transport
        self._response = response
        self._opened = opened
        self._end = end
        self._most = most
        self.complete = False
        """Whether the server said that this was all. A body without a length says so by the mark alone."""

    def __enter__(self) -> Events:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._opened.close()

    def __iter__(self) -> Iterator[Any]:
        """Each event, parsed. Raises an error of the transport; what an event carries is for the dialect to say."""
        reader = sse.Reader()
        chunks = self._response.iter_stream()
        size = 0
        while True:
            # Each time anew: whoever reads on may be another thread.
            with self._transport.typed(self._end):
                chunk = next(chunks, None)
            if chunk is None:
                self.complete = _framed(self._response)
                return
            size += len(chunk)
            if size > self._most:
                raise BadAnswer(f"the answer is longer than {self._most} bytes")
            for data in reader.feed(chunk):
                if data == sse.DONE:
                    self.complete = True
                    return
                yield parsed(data.encode())


def _plain(answer: Any, body: bytes) -> str:
    """The answer as text, in which JSON's escapes hide no part of a key."""
    try:
        return body.decode("utf-8", "replace") if answer is None else json.dumps(answer, ensure_ascii=False)
    except RecursionError:
        return ""


def parsed(body: bytes | str) -> Any:
    """The value of a JSON text; None where it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _framed(response: httpcore.Response) -> bool:
    """Whether the head says how the body ends; else a broken connection looks like an end."""
    names = {name.lower() for name, _ in response.headers}
    return b"content-length" in names or b"transfer-encoding" in names


def _retry_after(headers: Headers) -> str | None:
    """Seconds or a date; some servers send milliseconds beside it, which say it better."""
    try:
        return str(float(headers[b"retry-after-ms"]) / 1000)
    except (KeyError, ValueError):
        return _by_the_clock_of_the_server(headers.get(b"retry-after"), headers.get(b"date"))


def _by_the_clock_of_the_server(said: str | None, now: str | None) -> str | None:
    """A date as the seconds until then, where the server says what its clock shows: ours may show something else."""
    try:
        return str((parsedate_to_datetime(said or "") - parsedate_to_datetime(now or "")).total_seconds())
    except (ValueError, TypeError):
        return said


def _host(url: str) -> str:
    """Host and port of a URL, without the credentials that may stand before them."""
    return urlsplit(url).netloc.rpartition("@")[2]
