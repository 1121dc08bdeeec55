"""The supervised decoder, on drawn and on hostile pictures."""

from __future__ import annotations

import base64
import io
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from PIL import Image, ImageCms, ImageDraw

from searchsite.library.decoder import client, parent
from searchsite.library.decoder.protocol import (
    CPU_SECONDS,
    LENGTH,
    MARK,
    TRAILER,
    Decoded,
    DecoderGone,
    End,
    Policy,
    Undecodable,
    pack_answer,
)
from tests.library import drawn

POLICY = Policy(max_pixels=50_000_000, max_side=30_000, sizes=(480, 2048))


def decode(data: bytes, folder: Path, *, policy: Policy = POLICY) -> Decoded:
    path = folder / f"{abs(hash(data))}"
    path.write_bytes(data)
    return client.decode(path, policy)


def opened(decoded: Decoded, size: int = 480) -> Image.Image:
    return Image.open(io.BytesIO(decoded.derivatives[size]))


def quadrants() -> Image.Image:
    """Red, green, blue and white; wider than high."""
    image = Image.new("RGB", (120, 80), "white")
    draw = ImageDraw.Draw(image)
    for box, colour in (((0, 0, 59, 39), "red"), ((60, 0, 119, 39), "lime"), ((0, 40, 59, 79), "blue")):
        draw.rectangle(box, fill=colour)
    return image


def near(pixel: tuple[int, ...], wanted: tuple[int, int, int]) -> bool:
    return all(abs(one - other) < 40 for one, other in zip(pixel, wanted, strict=False))


def children() -> list[psutil.Process]:
    pid = client.decoder_pid()
    return psutil.Process(pid).children() if pid else []


@pytest.mark.parametrize("turn", range(10))
def test_it_turns_pictures_upright(tmp_path: Path, turn: int) -> None:
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    image = quadrants().transpose(undo[turn]) if turn in undo else quadrants()
    exif = Image.Exif()
    exif[0x0112] = turn
    decoded = decode(drawn.encoded(image, "JPEG", exif=exif, quality=95), tmp_path)
    assert (decoded.width, decoded.height) == (120, 80)
    assert near(opened(decoded).getpixel((20, 20)), (255, 0, 0))
    assert near(opened(decoded).getpixel((100, 20)), (0, 255, 0))


def test_no_metadata_survives(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Camera of alice"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = drawn.encoded(drawn.photo(), "JPEG", exif=exif, icc_profile=profile, comment=b"Berlin", xmp=b"<x>secret</x>")
    decoded = decode(data, tmp_path)
    assert not {"exif", "icc_profile", "xmp"} & opened(decoded).info.keys()
    assert not any(word in decoded.derivatives[480] for word in (b"alice", b"Berlin", b"secret"))
    assert decoded.facts.camera


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF"])
def test_what_is_see_through_becomes_white(tmp_path: Path, kind: str) -> None:
    image = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 50, 100))
    picture = opened(decode(drawn.encoded(image, kind), tmp_path))
    assert picture.mode == "RGB"
    assert near(picture.getpixel((80, 50)), (255, 255, 255))
    assert near(picture.getpixel((20, 50)), (255, 0, 0))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_mode_of_png_keeps_its_brightness(tmp_path: Path, mode: str) -> None:
    if mode == "I;16":
        image = Image.new("I;16", (64, 64), 0x8000)
    else:
        image = Image.new("L", (64, 64), 255 if mode == "1" else 128).convert(mode)
    wanted = (255, 255, 255) if mode == "1" else (128, 128, 128)
    assert near(opened(decode(drawn.encoded(image), tmp_path)).getpixel((30, 30)), wanted)


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    data = drawn.encoded(Image.new("CMYK", (64, 64), (0, 255, 255, 0)), "JPEG")
    assert near(opened(decode(data, tmp_path)).getpixel((30, 30)), (255, 0, 0))


@pytest.mark.parametrize("profile", [b"", b"no profile", b"\0" * 200, None])
def test_a_broken_profile_is_dropped(tmp_path: Path, profile: bytes | None) -> None:
    if profile is None:  # A sound one, under another name than sRGB.
        sound = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        profile = sound.replace(b"sRGB", b"none").replace("sRGB".encode("utf-16-be"), "none".encode("utf-16-be"))
    data = drawn.encoded(Image.new("RGB", (64, 64), "red"), "PNG", icc_profile=profile)
    assert near(opened(decode(data, tmp_path)).getpixel((30, 30)), (255, 0, 0))


def test_an_animation_shows_its_first_frame(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (50, 50), colour) for colour in ("red", "lime", "blue")]
    for kind in ("GIF", "WEBP", "PNG"):
        data = drawn.encoded(frames[0], kind, save_all=True, append_images=frames[1:])
        assert near(opened(decode(data, tmp_path)).getpixel((25, 25)), (255, 0, 0))


@pytest.mark.parametrize(
    ("size", "made"),
    [
        ((100, 60), {480: (100, 60)}),
        ((480, 100), {480: (480, 100)}),
        ((1000, 700), {480: (480, 336), 2048: (1000, 700)}),
        ((700, 3000), {480: (112, 480), 2048: (478, 2048)}),
        ((4000, 3000), {480: (480, 360), 2048: (2000, 1500)}),
        ((1, 1), {480: (1, 1)}),
    ],
)
def test_derivatives_have_fixed_sizes_and_are_never_enlarged(tmp_path, size, made) -> None:
    decoded = decode(drawn.encoded(Image.new("RGB", size, "red"), "JPEG"), tmp_path)
    assert {side: opened(decoded, side).size for side in decoded.derivatives} == made
    assert (decoded.width, decoded.height) == size


def test_the_placeholder_is_a_tiny_picture(tmp_path: Path) -> None:
    kind, _, data = decode(drawn.jpeg(), tmp_path).placeholder.partition(",")
    assert kind == "data:image/webp;base64"
    assert max(Image.open(io.BytesIO(base64.b64decode(data))).size) == 16


@pytest.mark.parametrize("name", sorted(drawn.HOSTILE))
def test_a_hostile_file_is_refused_or_decoded_within_limits(tmp_path: Path, name: str) -> None:
    started = time.monotonic()
    try:
        decoded = decode(drawn.HOSTILE[name], tmp_path)
    except Undecodable as error:
        assert str(error).startswith("This ")
        assert str(error).endswith(".")
    else:
        assert decoded.derivatives
    assert time.monotonic() - started < 25
    assert children() == []


@pytest.mark.parametrize(
    "extra",
    [
        drawn.chunk(b"zTXt", b"k\0\0" + drawn.zlib.compress(b"A" * 60_000_000, 9)),
        drawn.chunk(b"iCCP", b"icc\0\0" + drawn.zlib.compress(bytes(200_000_000), 1)),
    ],
    ids=["text", "profile"],
)
def test_a_chunk_that_swells_is_refused(tmp_path: Path, extra: bytes) -> None:
    with pytest.raises(Undecodable):
        decode(drawn.png(100, 100, extra=extra), tmp_path)


def test_it_needs_no_more_memory_than_allowed(tmp_path: Path) -> None:
    """50 million see-through pixels: the most that may come in."""
    data = drawn.encoded(Image.new("RGBA", (7000, 7000), (255, 0, 0, 128)), compress_level=1)
    assert decode(data, tmp_path).derivatives[2048]


def test_a_child_that_is_killed_is_one_bad_file(tmp_path: Path) -> None:
    slow = drawn.encoded(Image.new("RGB", (7000, 7000), "red"), compress_level=1)
    decode(drawn.jpeg(), tmp_path)
    before = client.decoder_pid()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(decode, slow, tmp_path)
        deadline = time.monotonic() + 10
        while not (working := children()) and time.monotonic() < deadline:
            time.sleep(0.001)
        working[0].send_signal(signal.SIGSEGV)
        with pytest.raises(Undecodable, match="crash"):
            answer.result()
    assert decode(drawn.jpeg(), tmp_path).width == 300
    assert client.decoder_pid() == before
    assert children() == []


def test_a_child_that_the_system_kills_tells_nothing_of_its_file() -> None:
    """A kernel that is out of memory takes a child first, whatever it decodes; so ends one that is out of time, too."""

    def ended(by: signal.Signals, *, seconds: float = 1.0, late: bool = False) -> bytes:
        used = resource.struct_rusage((seconds, 0.0, *[0] * 14))
        return parent._trailer(int(by), used, late=late)

    with pytest.raises(DecoderGone):
        client._decoded(ended(signal.SIGKILL), POLICY)
    for late in (ended(signal.SIGKILL, late=True), ended(signal.SIGKILL, seconds=CPU_SECONDS)):
        with pytest.raises(Undecodable, match="too long"):
            client._decoded(late, POLICY)
    with pytest.raises(Undecodable, match="crash"):
        client._decoded(ended(signal.SIGABRT), POLICY)


def test_a_dead_decoder_is_replaced(tmp_path: Path) -> None:
    decode(drawn.jpeg(), tmp_path)
    first = client.decoder_pid()
    os.kill(first, signal.SIGKILL)
    assert decode(drawn.jpeg(), tmp_path).width == 300
    assert client.decoder_pid() != first


def test_a_decoder_that_dies_over_a_file_is_asked_once_more(tmp_path: Path) -> None:
    slow = drawn.encoded(Image.new("RGB", (7000, 7000), "red"), compress_level=1)
    decode(drawn.jpeg(), tmp_path)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(decode, slow, tmp_path)
        deadline = time.monotonic() + 10
        while not children() and time.monotonic() < deadline:
            time.sleep(0.001)
        os.kill(client.decoder_pid(), signal.SIGKILL)
        assert answer.result().width == 7000


def test_an_answer_that_nobody_ended_is_asked_for_once_more(tmp_path: Path) -> None:
    """The child answers, and its parent dies before it can say how the child ended."""
    slow = drawn.encoded(drawn.photo(2000, 1500), "PNG")
    decode(drawn.jpeg(), tmp_path)
    first = client.decoder_pid()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(decode, slow, tmp_path)
        while not (working := children()):
            time.sleep(0.001)
        os.kill(first, signal.SIGSTOP)
        while working[0].status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        os.kill(first, signal.SIGKILL)
        assert answer.result().width == 2000
    assert client.decoder_pid() != first


def test_many_threads_share_one_decoder(tmp_path: Path) -> None:
    data = [drawn.jpeg(seed=number) for number in range(24)]
    with ThreadPoolExecutor(12) as pool:
        widths = list(pool.map(lambda one: decode(one, tmp_path).width, data))
    assert widths == [300] * 24
    assert children() == []


def ask_and_read_late(paths: list[Path], *, seconds: float) -> list[bytes | None]:
    """As an asker does that its machine lets run only after the children have long ended."""
    parent, replies = client._Parent(), []
    for path in paths:
        ours, theirs = socket.socketpair()
        with theirs, path.open("rb") as upload:
            socket.send_fds(parent.requests, [POLICY.pack()], [upload.fileno(), theirs.fileno()])
        replies.append(ours)
    time.sleep(seconds)
    answers = [client._read(reply) for reply in replies]
    for reply in replies:
        reply.close()
    parent.end()
    return answers


def test_a_large_answer_is_whole_even_when_it_is_read_late(tmp_path: Path) -> None:
    """Some of them just fill the socket, which then has no room for the last word."""
    paths = [tmp_path / f"{height}.jpg" for height in range(300, 620, 20)]
    for path in paths:
        path.write_bytes(drawn.encoded(drawn.photo(800, int(path.stem)), "JPEG"))
    answers = ask_and_read_late(paths, seconds=3)
    assert [client._decoded(answer or b"", POLICY).height for answer in answers] == [int(one.stem) for one in paths]


def test_an_unknown_last_word_is_one_bad_file() -> None:
    with pytest.raises(Undecodable, match="fail"):
        client._decoded(TRAILER.pack(MARK, 9, 0, 0, 0), POLICY)


WELL = {
    "width": 10,
    "height": 10,
    "placeholder": "data:image/webp;base64,UklGRg==",
    "sizes": [480],
    "facts": {"lossless": True, "camera": False, "told": False, "clear": 0.0, "flat": 0.5, "sharp": 0.1},
}


FRAME = drawn.encoded(Image.new("RGB", (480, 20)), "WEBP")


def said(header: dict[str, object], frame: bytes = FRAME) -> Decoded:
    """What the asker makes of a child that answers so."""
    answer = pack_answer(header, [frame])
    return client._decoded(answer + TRAILER.pack(MARK, End.WELL, 0, 0, 0), POLICY)


@pytest.mark.parametrize(
    "lie",
    [
        {"placeholder": 'data:text/html,"><script>'},
        {"placeholder": "data:image/webp;base64," + "A" * 5000},
        {"placeholder": "data:image/webp;base64,AAAA\n"},
        {"placeholder": ["data:image/webp;base64,AAAA"]},
        {"width": 0},
        {"height": 30_001},
        {"width": "10"},
        {"width": 1e9},
        {"height": True},
        {"facts": WELL["facts"] | {"flat": "0.5"}},
        {"facts": WELL["facts"] | {"clear": float("nan")}},
        {"facts": WELL["facts"] | {"camera": 1}},
        {"facts": WELL["facts"] | {"more": 1}},
        {"facts": []},
        {"sizes": [[480]]},
        {"sizes": [100]},
    ],
)
def test_a_child_that_lies_is_not_believed(lie: dict[str, object]) -> None:
    assert said(WELL).width == 10
    with pytest.raises(Undecodable, match="fail"):
        said(WELL | lie)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"RIFF\0\0\0\0WEBP",
        FRAME[:-1],
        FRAME + b"more",
        FRAME.replace(b"VP8 ", b"VP8L"),
        drawn.encoded(Image.new("RGB", (481, 20)), "WEBP"),
        drawn.encoded(Image.new("RGB", (20, 481)), "WEBP"),
        drawn.encoded(Image.new("RGB", (20, 20)), "WEBP", lossless=True),
        drawn.encoded(Image.new("RGBA", (20, 20)), "WEBP"),
        drawn.encoded(Image.new("RGB", (20, 20)), "WEBP", exif=b"Exif\0\0MM\0*"),
        drawn.encoded(Image.new("RGB", (20, 20)), "PNG"),
    ],
    ids=[str(number) for number in range(11)],
)
def test_what_is_decoded_again_is_one_plain_frame_of_the_size_asked_for(frame: bytes) -> None:
    assert said(WELL).derivatives == {480: FRAME}
    with pytest.raises(Undecodable, match="fail"):
        said(WELL, frame)


@pytest.mark.parametrize(
    "head", [b"[" * 200_000, b'{"lengths": 1}', b"[]", b"\xff", b'{"lengths": [1e999]}', b'{"lengths": [-1]}']
)
def test_an_answer_that_is_no_answer_is_one_bad_file(head: bytes) -> None:
    with pytest.raises(Undecodable, match="fail"):
        client._decoded(LENGTH.pack(len(head)) + head + TRAILER.pack(MARK, End.WELL, 0, 0, 0), POLICY)


def test_it_leaks_no_descriptors(tmp_path: Path) -> None:
    decode(drawn.jpeg(), tmp_path)
    decoder = psutil.Process(client.decoder_pid())
    before = psutil.Process().num_fds(), decoder.num_fds()
    for _ in range(20):
        decode(drawn.jpeg(), tmp_path)
    assert (psutil.Process().num_fds(), decoder.num_fds()) == before


FORKS = """
import os, sys
from pathlib import Path
from searchsite.library.decoder import client
from searchsite.library.decoder.protocol import Policy
path, policy = Path(sys.argv[1]), Policy(10**6, 1000, (480,))
client.decode(path, policy)
mine = client.decoder_pid()
child = os.fork()
if child == 0:
    client.decode(path, policy)
    os._exit(0 if client.decoder_pid() not in (None, mine) else 1)
assert os.waitpid(child, 0)[1] == 0
client.decode(path, policy)
assert client.decoder_pid() == mine
print(mine, flush=True)
sys.stdin.read()
"""


def test_a_forked_process_has_a_decoder_of_its_own_and_none_outlives_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(drawn.jpeg())
    owner = subprocess.Popen(
        [sys.executable, "-c", FORKS, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with owner:
        decoder = psutil.Process(int(owner.stdout.readline()))
        owner.kill()
    decoder.wait(timeout=5)
    assert not decoder.is_running()


GIVES_UP = """
import socket, sys, time
from searchsite.library.decoder import client
from searchsite.library.decoder.protocol import Policy
parent = client._Parent()
ours, theirs = socket.socketpair()
with open(sys.argv[1], "rb") as upload:
    socket.send_fds(parent.requests, [Policy(10**6, 1000, (480,)).pack()], [upload.fileno(), theirs.fileno()])
ours.close()
theirs.close()
time.sleep(float(sys.argv[2]))
"""


def test_what_a_child_complains_about_reaches_the_log(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(drawn.jpeg())
    log = tmp_path / "worker.log"
    with log.open("wb") as stderr:
        subprocess.run([sys.executable, "-c", GIVES_UP, str(tmp_path / "photo.jpg"), "3"], stderr=stderr, check=True)
    assert "Traceback" in log.read_text()
    assert "BrokenPipeError" in log.read_text()


def test_a_short_lived_thread_does_not_take_the_decoder_with_it(tmp_path: Path) -> None:
    client.close()
    thread = threading.Thread(target=decode, args=(drawn.jpeg(), tmp_path))
    thread.start()
    thread.join()
    first = client.decoder_pid()
    assert decode(drawn.jpeg(), tmp_path).width == 300
    assert client.decoder_pid() == first


@pytest.mark.skipif(sys.platform != "linux", reason="limits are read from /proc")
def test_a_child_may_open_nothing_and_take_no_more_than_its_share(tmp_path: Path) -> None:
    slow = drawn.encoded(Image.new("RGB", (7000, 7000), "red"), compress_level=1)
    decode(drawn.jpeg(), tmp_path)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(decode, slow, tmp_path)
        while not (working := children()):
            time.sleep(0.001)
        time.sleep(0.05)
        limits = Path(f"/proc/{working[0].pid}/limits").read_text(encoding="ascii")
        held = list(Path(f"/proc/{working[0].pid}/fd").iterdir())
        assert answer.result().width == 7000
    soft = {line[:25].strip(): line[26:].split()[0] for line in limits.splitlines()}
    assert (soft["Max open files"], soft["Max file size"], soft["Max core file size"]) == ("0", "0", "0")
    assert soft["Max processes"] == "0"
    assert len(held) == 3  # The file, the answer, and stderr: nothing of its siblings.
    assert (soft["Max address space"], soft["Max cpu time"]) == (str(1 << 30), "20")


def test_the_decoder_has_no_environment_and_no_rights(tmp_path: Path) -> None:
    decode(drawn.jpeg(), tmp_path)
    process = psutil.Process(client.decoder_pid())
    assert not {"SECRET_KEY", "DATABASE_URL", "HOME", "PATH", "DATA_DIR"} & process.environ().keys()
    if client.walls()["files"]:
        assert "(deleted)" in str(Path(f"/proc/{process.pid}/root").readlink())
    else:
        assert process.cwd() == "/"
    assert os.getuid() != 0 or process.uids().real != 0
    assert process.net_connections("tcp") == []
