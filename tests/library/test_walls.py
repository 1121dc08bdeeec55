"""What a child may still do when a file has taken it over: work on, fail, and nothing else."""

from __future__ import annotations

import errno
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from searchsite.library.decoder import client
from searchsite.library.decoder.calls import PROCESSORS
from searchsite.library.decoder.protocol import MEMORY_BYTES, WALL_SECONDS, DecoderGone, Undecodable
from tests.library import drawn, holed
from tests.library.test_decoder import children, decode

HOLED = (sys.executable, "-E", "-m", "tests.library.holed")
needs_a_filter = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in PROCESSORS, reason="the filter is made for Linux alone"
)


@pytest.fixture(scope="module")
def holed_parent() -> Iterator[client._Parent]:
    """A warm parent of a decoder with a hole."""
    parent = client._Parent(HOLED)
    yield parent
    parent.end()


@pytest.fixture
def hole(holed_parent: client._Parent) -> Iterator[int]:
    """This process's decoder has a hole. Gives the pid of its warm parent."""
    client.close()
    client._state.parent = holed_parent
    yield holed_parent.process.pid
    client._state.parent = None


def done(code: str, folder: Path, *, head: bytes = b"") -> str:
    """The answer of code that runs in a child."""
    with pytest.raises(Undecodable) as said:
        decode(head + holed.MAGIC + code.encode(), folder)
    return str(said.value)


@needs_a_filter
@pytest.mark.parametrize(
    "attempt",
    [
        "os.open('/etc/passwd', os.O_RDONLY)",
        "os.open(f'/proc/{os.getppid()}/environ', os.O_RDONLY)",
        "os.open('/proc/self/environ', os.O_RDONLY)",
        "os.open('/tmp/x', os.O_WRONLY | os.O_CREAT)",
        "os.stat('/etc/passwd')",
        "os.listdir('/')",
        "os.getcwd()",
        "os.memfd_create('x')",
        "os.pipe()",
        "os.dup(0)",
        "socket.socket()",
        "socket.socket(socket.AF_UNIX)",
        "socket.socketpair()",
        "os.fork()",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "os.execv('/bin/true', ['true'])",
        "os.kill(os.getppid(), 0)",
        "os.kill(os.getpid(), 0)",
        "os.killpg(0, 0)",
        "os.setpriority(os.PRIO_PROCESS, 0, 1)",
        "os.setuid(0)",
        "resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))",
        "resource.prlimit(os.getppid(), resource.RLIMIT_AS)",
        "mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)",
        "threading.Thread(target=print).start()",
    ],
)
def test_a_child_that_is_taken_over_gets_nothing(tmp_path: Path, hole: int, attempt: str) -> None:
    said = done(f"answer = tried(lambda: {attempt})", tmp_path)
    assert said.startswith("refused: ")
    assert decode(drawn.jpeg(), tmp_path).width == 300
    assert client.decoder_pid() == hole


@needs_a_filter
@pytest.mark.parametrize(
    "call",
    [
        "ptrace(16, os.getppid(), 0, 0)",
        "unshare(0x10000000)",
        "prctl(4, 1, 0, 0, 0)",
        "connect(0, bytes(16), 16)",
        "sendmsg(0, bytes(56), 0)",
        "personality(0)",
        "mprotect(ctypes.addressof(ctypes.create_string_buffer(9999)) & ~4095, 1, 7)",
    ],
)
def test_what_python_has_no_word_for_is_refused_as_well(tmp_path: Path, hole: int, call: str) -> None:
    assert done(f"answer = library.{call}", tmp_path) == "-1"


def test_a_child_has_no_environment_and_three_descriptors(tmp_path: Path, hole: int) -> None:
    assert done("answer = dict(os.environ)", tmp_path) in ("{}", "{'LC_CTYPE': 'C.UTF-8'}")
    held = "[one for one in range(2000) if tried(lambda: os.lseek(one, 0, 1)) != 'refused: OSError' or one == 2]"
    assert int(done(f"answer = len({held})", tmp_path)) <= 3


@needs_a_filter
def test_the_decoder_of_heic_starts_threads_and_nothing_else(tmp_path: Path, hole: int) -> None:
    code = "thread = threading.Thread(target=lambda: None); thread.start(); thread.join(); answer = 'done'"
    assert done(code, tmp_path, head=holed.HEIC) == "done"
    for attempt in ("os.fork()", "os.posix_spawn('/bin/true', ['true'], {})", "os.execv('/bin/true', ['true'])"):
        said = done(f"answer = tried(lambda: {attempt})", tmp_path, head=holed.HEIC)
        assert said == "refused: PermissionError"


DEADLY = {
    "segfault": ("library.memset(0, 1, 1)", "crash"),
    "abort": ("os.abort()", "crash"),
    "bad instruction": ("ctypes.CFUNCTYPE(None)(8)()", "crash"),
    "two gigabytes": ("answer = len(bytearray(2 << 30))", "more memory"),
    "memory by bits": ("kept = []\nwhile True: kept.append(bytearray(1 << 20))", "more memory"),
    "an end without an answer": ("os._exit(0)", "fail"),
    "an end with a status": ("os._exit(3)", "fail"),
    "an answer without an end": ("while True: os.write(max(range(3, 64), key=is_open), bytes(1 << 20))", "fail"),
    "recursion": ("def deep(): deep()\ndeep()", "damaged"),
    "a long sentence": ("answer = 'x' * 1_000_000", "^x{300}$"),
}


@needs_a_filter
@pytest.mark.parametrize("what", DEADLY)
def test_a_child_that_is_brought_down_is_one_bad_file(tmp_path: Path, hole: int, what: str) -> None:
    code, sentence = DEADLY[what]
    is_open = "is_open = lambda one: not tried(lambda: os.write(one, b'')).startswith('refused')\n"
    with pytest.raises(Undecodable, match=sentence) as said:
        decode(holed.MAGIC + (is_open + code).encode(), tmp_path)
    assert said.value.spent.megabytes << 20 <= MEMORY_BYTES
    assert decode(drawn.jpeg(), tmp_path).width == 300
    assert (client.decoder_pid(), children()) == (hole, [])


@pytest.mark.long
@pytest.mark.parametrize("code", ["while True: pass", "time.sleep(60)"])
def test_a_child_that_never_ends_is_ended(tmp_path: Path, hole: int, code: str) -> None:
    started = time.monotonic()
    assert done(code, tmp_path) == "This picture takes too long to decode."
    assert time.monotonic() - started < WALL_SECONDS + 2
    assert client.decoder_pid() == hole


def test_its_walls_can_be_asked_for() -> None:
    assert set(client.walls()) == {"network", "files", "calls"}


@pytest.mark.skipif(sys.platform != "linux" or os.getuid() != 0, reason="only root may look")
def test_the_warm_parent_stands_apart(tmp_path: Path) -> None:
    decode(drawn.jpeg(), tmp_path)
    walls, place = client.walls(), Path(f"/proc/{client.decoder_pid()}")
    spaces = [(place / f"ns/{one}").readlink() != Path(f"/proc/self/ns/{one}").readlink() for one in ("net", "ipc")]
    assert spaces == [walls["network"]] * 2
    assert not walls["files"] or list((place / "root").iterdir()) == []
    status = (place / "status").read_text(encoding="ascii")
    assert all(f"{one}:\t{0:016x}" in status for one in ("CapEff", "CapPrm", "CapInh"))
    assert psutil.Process(client.decoder_pid()).uids().real != 0


SERVING = """
import platform, resource, sys
descriptor = int(sys.argv[1])
%s
from searchsite.library.decoder.parent import serve
serve(descriptor)
"""


@pytest.fixture
def changed() -> Iterator[Callable[[str], None]]:
    """Has the files of this test decoded by a warm parent that runs this first."""

    def change(code: str) -> None:
        client.close()
        client._state.parent = client._Parent((sys.executable, "-E", "-c", SERVING % code))

    yield change
    client.close()


@pytest.mark.parametrize("where", ["platform.machine = lambda: 'pdp11'", "sys.maxsize = 2**31 - 1"])
def test_where_there_is_no_filter_pictures_are_decoded_all_the_same(tmp_path: Path, changed, where: str) -> None:
    """Another processor, or a Python of 32 bits, whose calls have other numbers."""
    changed(where)
    assert decode(drawn.jpeg(), tmp_path).width == 300


def test_a_python_of_32_bits_puts_up_no_filter_that_refuses_it_everything() -> None:
    code = "import ctypes, sys; sys.maxsize = 2**31 - 1; from searchsite.library.decoder import calls;"
    code += "print(calls.allow_work_alone(ctypes.CDLL(None), threads=True))"
    ran = subprocess.run((sys.executable, "-c", code), cwd=client.ROOT, capture_output=True, text=True)
    assert ran.stdout == "False\n"


def test_a_user_with_too_many_threads_has_a_file_wait_and_no_decoder_end(tmp_path: Path, changed) -> None:
    """The kernel counts the threads of all that run under the same name; this parent alone is as many as it may be."""
    changed("resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))")
    began = client.decoder_pid()
    with pytest.raises(DecoderGone, match="busy"):
        decode(drawn.jpeg(), tmp_path)
    assert client.decoder_pid() == began


def test_a_limit_on_threads_that_can_be_raised_is_none(tmp_path, changed) -> None:
    changed("most = resource.RLIMIT_NPROC; resource.setrlimit(most, (1, resource.getrlimit(most)[1]))")
    began = client.decoder_pid()
    assert decode(drawn.jpeg(), tmp_path).width == 300
    assert client.decoder_pid() == began


INTERFACES = """
import ctypes, mmap, os
from searchsite.library.decoder.calls import allow_work_alone
library = ctypes.CDLL(None, use_errno=True)
library.syscall.restype = ctypes.c_long
# In the interface of 32 bits, getpid is 20: mov eax, 20; int 0x80; cdqe; ret.
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(bytes.fromhex("b814000000cd804898c3"))
old = ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
library.prctl(38, 1, 0, 0, 0)
assert allow_work_alone(library, threads=False)
said = [library.syscall(39), library.syscall(0x40000000 + 39), ctypes.get_errno(), old()]
os.write(1, repr(said).encode())
os._exit(0)
"""


@needs_a_filter
@pytest.mark.skipif(platform.machine() != "x86_64", reason="only this processor has three interfaces")
def test_the_other_interfaces_of_the_processor_are_shut() -> None:
    """x32, and that of 32 bits, where the same numbers are other calls; a kernel without it ends who tries."""
    ran = subprocess.run((sys.executable, "-c", INTERFACES), cwd=client.ROOT, capture_output=True, text=True)
    if ran.returncode == -signal.SIGSEGV:
        return
    pid, other, number, old = json.loads(ran.stdout)
    assert pid > 0
    assert (other, number, old) == (-1, errno.EPERM, -errno.EPERM)


def test_it_leaves_no_folder_behind(tmp_path: Path) -> None:
    ran = subprocess.run(client.DECODER, env={"TMPDIR": str(tmp_path)}, cwd=client.ROOT, capture_output=True, text=True)
    assert (ran.returncode, list(tmp_path.iterdir())) == (0, [])
