"""What only a real server can be sent: other hosts, broken requests, paths out of the site. What it says of itself."""

from __future__ import annotations

import re
import socket
import stat
from pathlib import Path

import pytest

from searchsite.web import logs
from searchsite.web.middleware import POLICY
from tests import figures
from tests.house import House

PATIENCE = 3.0
POST = b"POST /accounts/login/ HTTP/1.1\r\nHost: localhost\r\n"
ADD = b"POST /api/v1/items HTTP/1.1\r\nHost: localhost\r\n"
# What the guard against forged requests compares; the body is read only then.
MARK = b"Cookie: csrf=" + b"a" * 32 + b"\r\n"
BROKEN = [
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET /%00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /items/%00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /%ff%fe%zz%u0041%2e%2e%2f HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /search?q=%00%zz%ff&q[]=1&q=%ed%a0%80&limit=9e9 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /static/../../../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /static/%2e%2e/%2e%2e/pyproject.toml HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /static/..%5c..%5cpyproject.toml HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET http://evil.example/accounts/login/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    b"GET http://evil.example/accounts/login/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /accounts/login/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    b"GET /accounts/login/ HTTP/1.1\r\nHost: localhost:99999\r\n\r\n",
    b"GET /accounts/login/ HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
    b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n",
    b"TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"FOO / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: session=" + b"x" * 200_000 + b"\r\n\r\n",
    b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: b\r\n" * 3000 + b"\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n",
    b"GET /livez HTTP/1.1\r\nHost: localhost\r\nCookie: session=\xff\xfe; csrf=%00\r\nAccept-Language: \xff\r\n\r\n",
    b"GET /api/v1/items HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \xff\r\nAuthorization: Basic x\r\n\r\n",
    POST + b"Content-Length: -1\r\n\r\n",
    POST + b"Content-Length: abc\r\n\r\n",
    POST + b"Content-Length: 3\r\nContent-Length: 9\r\n\r\nabc",
    POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    ADD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
    ADD + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    POST + MARK + b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 3\r\n\r\nabc",
    POST + MARK + b"Content-Type: multipart/form-data\r\nContent-Length: 3\r\n\r\nabc",
    b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
    *(
        head + b"Content-Type: " + kind + b"\r\n\r\n"
        for kind in (b"a/b; x*=nope''x", b"a/b; x*=undefined''a", b"a/b; charset=rot13", b"a/b; charset=unicode_escape")
        for head in (
            b"GET /livez HTTP/1.1\r\nHost: localhost\r\n",
            b"GET /accounts/login/?next=%2Fqueue HTTP/1.1\r\nHost: localhost\r\n",
            b"GET /api/v1/items?tag=a HTTP/1.1\r\nHost: localhost\r\n",
            POST + MARK + b"Content-Length: 0\r\n",
        )
    ),
    b"GET /accounts/login/?next=http://%5B HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /admin/login/?next=http://%5B HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /accounts/logout/?next=//%5B HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /accounts/inactive/?next=http://%5B::1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /search?q=a HTTP/1.1\r\nHost: localhost\r\nHX-Request: true\r\nHX-Current-URL: http://[\r\n\r\n",
    b"GET /queue/live HTTP/1.1\r\nHost: localhost\r\nHX-Request: true\r\nHX-Current-URL: http://[::1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"\0" * 100 + b"\r\n\r\n",
]
NOT_THERE = [
    "/.git/config", "/.env", "/.data/secret_key", "/media/", "/media/original", "/static/", "/static/web/",
    "/__debug__/", "/server-status", "/api/schema", "/metrics/", "/pyproject.toml", "/manage.py", "/wp-login.php",
    "/robots", "/accounts/signup/", "/accounts/password/reset/", "/debug", "/static/admin/../../pyproject.toml",
]  # fmt: skip


def answer_to(home: House, sent: bytes) -> bytes:
    """The first answer; nothing, where the server hangs up or says nothing for some seconds."""
    with socket.create_connection(("127.0.0.1", int(home.environment["PORT"])), timeout=10) as line:
        said = b""
        try:
            line.sendall(sent)
            line.settimeout(PATIENCE)
            while not _is_whole(said) and (part := line.recv(1 << 16)):
                said += part
        except (ConnectionResetError, BrokenPipeError, TimeoutError):
            pass
        return said


def _is_whole(said: bytes) -> bool:
    head, end, body = said.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" in head.lower():
        return body.endswith(b"0\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head.lower())
    return bool(end) and length is not None and len(body) >= int(length[1])


def asked(home: House, path: str, method: str = "GET", *headers: str) -> tuple[int, str]:
    """The status, and all that was said."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
    said = answer_to(home, "\r\n".join([*lines, "", ""]).encode()).decode("utf-8", "replace")
    assert said.startswith("HTTP/1.1 "), (path, said)
    return int(said[9:12]), said


def test_a_request_that_makes_no_sense_gets_a_refusal(running_house: House) -> None:
    before = running_house.pids("granian")
    statuses = []
    for sent in BROKEN:
        said = answer_to(running_house, sent).decode("utf-8", "replace")
        status = int(said[9:12]) if said.startswith("HTTP/1.1 ") else 0
        statuses.append(status)
        assert status < 500 and "Traceback" not in said, (sent[:100], said[:500])
        assert "evil.example" not in said and "root:x:" not in said and "[project]" not in said, (
            sent[:100],
            said[:500],
        )
    assert running_house.pids("granian") == before and asked(running_house, "/livez")[0] == 200
    written = (running_house.data_dir / "log" / "web.log").read_text(encoding="utf-8")
    assert "Invalid HTTP_HOST" in written and "Unable to parse request body" in written and "Traceback" not in written
    assert max(map(len, written.splitlines())) <= logs.MOST
    figures.keep(10, "broken", requests=len(BROKEN), errors_500=sum(one >= 500 for one in statuses))


def test_no_other_host_is_served(running_house: House) -> None:
    for sent in (one for one in BROKEN if b"Host: evil.example" in one or b"http://evil" in one):
        said = answer_to(running_house, sent).decode()
        assert said[9:12] in ("400", "404") or "Location: " not in said, said[:300]
    refused = answer_to(
        running_house, b"GET /accounts/login/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    )
    assert refused[9:12] == b"400"


def test_nothing_is_listed_or_left_lying_about(running_house: House) -> None:
    found = {path: asked(running_house, path)[0] for path in NOT_THERE}
    assert found == dict.fromkeys(NOT_THERE, 404)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/livez", 200),
        ("GET", "/", 302),
        ("POST", "/notes/new", 403),
        ("GET", "/nowhere", 404),
        ("OPTIONS", "/search", 405),
        ("GET", "/api/v1/items", 401),
        ("GET", "/accounts/login/", 200),
        ("GET", "/static/web/css/base.css", 200),
    ],
)
def test_every_answer_has_its_headers_and_no_banner(running_house: House, method: str, path: str, status: int) -> None:
    got, said = asked(running_house, path, method, "Content-Length: 0", "Origin: https://evil.example")
    head = said.split("\r\n\r\n")[0].lower()
    assert got == status, said[:300]
    for line in (
        f"content-security-policy: {POLICY.lower()}",
        "x-content-type-options: nosniff",
        "x-frame-options: deny",
        "referrer-policy: same-origin",
        "cross-origin-opener-policy: same-origin",
        "permissions-policy: camera=(), microphone=(), geolocation=()",
    ):
        assert line in head, head
    assert not re.search(r"server: .*(granian|python|django)|x-powered-by|access-control-", head), head


def test_the_log_holds_no_secret(running_house: House) -> None:
    token = running_house.token()
    secrets = ["a-password-of-mine", "planted-session-id", token, "a question nobody may know"]
    body = f"login=admin&password={secrets[0]}"
    asked(running_house, "/api/v1/items", "GET", f"Authorization: Bearer {token}")
    asked(running_house, "/search?q=a+question+nobody+may+know", "GET", f"Cookie: session={secrets[1]}")
    answer_to(
        running_house,
        POST + b"Connection: close\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n" + f"Content-Length: {len(body)}\r\n\r\n{body}".encode(),
    )
    logs = [*(running_house.data_dir / "log").glob("*"), running_house.log]
    written = "".join(one.read_text(encoding="utf-8", errors="replace") for one in logs if one.is_file())
    for secret in (*secrets, "nobody+may+know"):
        assert secret not in written


def test_what_is_kept_is_for_nobody_else_on_the_machine(running_house: House) -> None:
    data, media = running_house.data_dir, Path(running_house.environment["MEDIA_ROOT"])
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (data, data / "secret_key", data / "run")}
    assert modes == {data: 0o700, data / "secret_key": 0o600, data / "run": 0o700}
    open_to_all = [path for path in media.rglob("*") if stat.S_IMODE(path.stat().st_mode) & 0o007]
    assert open_to_all == []
