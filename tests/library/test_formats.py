"""Every format of pictures: at the door, and through the decoder."""

from __future__ import annotations

import io
import json
import os
import time
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image, ImageCms, ImageDraw

from searchsite import config as configuration
from searchsite.library import sniffing
from searchsite.library.decoder import client
from searchsite.library.decoder.protocol import Decoded, Undecodable
from searchsite.library.formats import FORMATS
from searchsite.library.refusals import Refusal
from tests.library import drawn
from tests.library.test_decoder import POLICY, decode, near, opened, quadrants

pillow_heif.register_heif_opener()
CONFIG = configuration.load()
# What Pillow writes, by the name that each is taken under.
WRITTEN = {
    "a.bmp": "BMP",
    "a.tif": "TIFF",
    "a.avif": "AVIF",
    "a.heic": "HEIF",
    "a.jp2": "JPEG2000",
    "a.ico": "ICO",
    "a.dds": "DDS",
    "a.tga": "TGA",
    "a.ppm": "PPM",
    "a.pcx": "PCX",
    "a.sgi": "SGI",
}
HOSTILE = Path(os.environ.get("HOSTILE_FILES", "nowhere"))


def look(data: bytes, name: str, folder: Path) -> sniffing.Picture | sniffing.Text:
    path = folder / "upload"
    path.write_bytes(data)
    return sniffing.look(path, name, config=CONFIG)


@pytest.mark.parametrize("name", WRITTEN)
def test_each_format_is_known_by_its_bytes_and_shows_its_colours(tmp_path: Path, name: str) -> None:
    data = drawn.encoded(quadrants(), WRITTEN[name])
    found = look(data, name, tmp_path)
    decoded = decode(data, tmp_path)
    assert isinstance(found, sniffing.Picture)
    assert found.media_type == next(one.media_type for one in FORMATS if name[2:] in one.names)
    assert near(opened(decoded).getpixel((decoded.width // 4, decoded.height // 4)), (255, 0, 0))
    if name != "a.ico":  # Icons are made smaller by Pillow.
        assert (found.header.width, found.header.height) == (decoded.width, decoded.height) == (120, 80)


@pytest.mark.parametrize("name", ["a.tif", "a.avif", "a.heic", "a.bmp"])
def test_the_door_knows_common_formats_under_any_name(tmp_path: Path, name: str) -> None:
    data = drawn.encoded(quadrants(), WRITTEN[name])
    assert look(data, "lies.png", tmp_path) == look(data, name, tmp_path)


@pytest.mark.parametrize("name", ["a.tga", "a.dds", "a.ico"])
def test_a_rare_format_is_taken_under_its_own_name_alone(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refusal, match="no picture of that kind"):
        look(drawn.encoded(quadrants(), WRITTEN[name]), "lies.png", tmp_path)


@pytest.mark.parametrize("name", ["a.tif", "a.avif", "a.heic", "a.bmp"])
def test_half_a_file_is_refused_at_the_door(tmp_path: Path, name: str) -> None:
    data = drawn.encoded(drawn.photo(), WRITTEN[name])
    with pytest.raises(Refusal, match="ends too early"):
        look(data[: len(data) // 2], name, tmp_path)


@pytest.mark.parametrize("turn", [1, 3, 6, 8])
@pytest.mark.parametrize("kind", ["TIFF", "HEIF", "AVIF"])
def test_it_turns_them_upright(tmp_path: Path, kind: str, turn: int) -> None:
    undo = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    exif = Image.Exif()
    exif[0x0112] = turn
    image = quadrants().transpose(undo[turn]) if turn in undo else quadrants()
    # The writer of HEIC makes a turn of its own kind of it.
    said = exif.tobytes() if kind == "HEIF" else exif
    data = drawn.encoded(image, kind, exif=said, **({"quality": 95} if kind != "TIFF" else {}))
    decoded = decode(data, tmp_path)
    assert (decoded.width, decoded.height) == (120, 80)
    assert near(opened(decoded).getpixel((20, 20)), (255, 0, 0))
    assert near(opened(decoded).getpixel((100, 20)), (0, 255, 0))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I", "F"])
def test_every_mode_of_tiff_keeps_its_brightness(tmp_path: Path, mode: str) -> None:
    """Each is half bright, beside something white, so that it is known what white is."""
    if mode in ("I;16", "I", "F"):
        half, white = {"I;16": (0x8000, 0xFFFF), "I": (0x8000, 0xFFFF), "F": (0.5, 1.0)}[mode]
        image = Image.new(mode, (64, 64), half)
        image.paste(white, (0, 0, 8, 8))
    elif mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        srgb = ImageCms.createProfile("sRGB")
        image = ImageCms.profileToProfile(Image.new("RGB", (64, 64), (128, 128, 128)), srgb, lab, outputMode="LAB")
    else:
        image = Image.new("RGB", (64, 64), (128, 128, 128)).convert("L" if mode == "LA" else "RGB").convert(mode)
    if mode == "1":
        image = Image.new("1", (64, 64), 1)
    wanted = (255, 255, 255) if mode == "1" else (128, 128, 128)
    assert near(opened(decode(drawn.encoded(image, "TIFF"), tmp_path)).getpixel((30, 30)), wanted)


def test_a_tiff_of_many_pages_shows_its_first(tmp_path: Path) -> None:
    pages = [Image.new("RGB", (50, 50), colour) for colour in ("red", "lime", "blue")]
    data = drawn.encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:], compression="tiff_deflate")
    assert near(opened(decode(data, tmp_path)).getpixel((25, 25)), (255, 0, 0))


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
def test_a_sequence_shows_its_first_picture(tmp_path: Path, kind: str) -> None:
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "lime", "blue")]
    data = drawn.encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    assert isinstance(look(data, "moving", tmp_path), sniffing.Picture)
    assert near(opened(decode(data, tmp_path)).getpixel((25, 25)), (255, 0, 0))


def test_a_sequence_tells_how_many_pictures_it_has(tmp_path: Path) -> None:
    frames = [drawn.photo(64, 64, seed=number) for number in range(5)]
    data = drawn.encoded(frames[0], "AVIF", save_all=True, append_images=frames[1:])
    found = look(data, "moving.avif", tmp_path)
    assert isinstance(found, sniffing.Picture)
    assert found.header.frames == 5


@pytest.mark.parametrize("kind", ["AVIF", "HEIF", "TIFF"])
def test_what_is_see_through_becomes_white(tmp_path: Path, kind: str) -> None:
    image = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    ImageDraw.Draw(image).rectangle((0, 0, 31, 63), fill=(255, 0, 0, 255))
    picture = opened(decode(drawn.encoded(image, kind), tmp_path))
    assert near(picture.getpixel((55, 30)), (255, 255, 255))
    assert near(picture.getpixel((10, 30)), (255, 0, 0))


def huge_bmp() -> bytes:
    """A compressed one, as all of its pixels would have to be there."""
    data = bytearray(drawn.encoded(Image.new("L", (8, 8)), "BMP"))
    data[18:26] = (25_000).to_bytes(4, "little") * 2
    data[30] = 1
    return bytes(data)


def huge_tiff() -> bytes:
    tags = ((256, 25_000), (257, 25_000), (273, 8), (279, 1))
    entries = b"".join(tag.to_bytes(2, "little") + b"\4\0\1\0\0\0" + value.to_bytes(4, "little") for tag, value in tags)
    return b"II*\0\x08\0\0\0" + len(tags).to_bytes(2, "little") + entries + bytes(4)


def huge_avif() -> bytes:
    data = drawn.encoded(Image.new("RGB", (64, 64)), "AVIF")
    size = b"ispe" + bytes(4) + (64).to_bytes(4, "big") * 2
    return data.replace(size, size[:8] + (25_000).to_bytes(4, "big") * 2)


@pytest.mark.parametrize("data", [huge_bmp(), huge_tiff(), huge_avif()], ids=["bmp", "tiff", "avif"])
def test_too_many_pixels_are_told_before_anything_is_decoded(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(Refusal, match="625 million pixels"):
        look(data, "huge", tmp_path)


def test_a_picture_that_lies_about_its_size_does_not_pass_the_decoder(tmp_path: Path) -> None:
    with pytest.raises(Undecodable):
        decode(huge_avif(), tmp_path)


TINY = {
    "boxes.avif": b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf" + b"\0\0\0\x08free" * (20 << 17),
    "strips.tif": b"II*\0\x08\0\0\0\1\0" + b"\x11\1\4\0\xff\xff\x3f\0\x1a\0\0\0" + bytes(20 << 20),
}


@pytest.mark.parametrize("name", TINY)
def test_a_file_of_tiny_pieces_is_not_walked_through(tmp_path: Path, name: str) -> None:
    started = time.process_time()
    with pytest.raises(Refusal, match=r"too many tiny pieces|ends too early"):
        look(TINY[name], name, tmp_path)
    assert time.process_time() - started < 4


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.pdf", "PDF"), ("a.mp4", "video"), ("a.zip", "archive"), ("a.svg", ".svg"), ("a.xyz", ".xyz")],
)
def test_a_refusal_names_what_it_is_and_what_is_taken(tmp_path: Path, name: str, kind: str) -> None:
    data = {"a.pdf": b"%PDF-1.7", "a.mp4": b"\0\0\0\x18ftypisom", "a.zip": b"PK\3\4"}.get(name, b"<svg/>")
    with pytest.raises(Refusal) as refused:
        look(data + bytes(40), name, tmp_path)
    assert f"({kind}" in str(refused.value)
    assert "Taken are JPEG, PNG" in str(refused.value)


def outcome(path: Path, name: str) -> tuple[str, Decoded | None]:
    try:
        found = sniffing.look(path, name, config=CONFIG)
        return ("decode", client.decode(path, POLICY)) if isinstance(found, sniffing.Picture) else ("text", None)
    except (Refusal, Undecodable) as error:
        assert str(error).endswith(".")
        return "reject", None


@pytest.mark.skipif(not (HOSTILE / "manifest.jsonl").exists(), reason="HOSTILE_FILES names no folder of such files")
def test_every_hostile_file_ends_as_expected(tmp_path: Path) -> None:
    """Each line of its manifest.jsonl names a file and what shall become of it."""
    rows = [json.loads(line) for line in (HOSTILE / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    wrong = []
    decode(drawn.jpeg(), tmp_path)
    before = client.decoder_pid()
    for row in rows:
        started = time.monotonic()
        got, decoded = outcome(HOSTILE / row["path"], row["name"])
        wanted = row["expect"].split(":")[0].split("-or-")
        if got not in wanted or time.monotonic() - started > 10 or (decoded and not decoded.derivatives):
            wrong.append((row["name"], wanted, got))
    assert wrong == []
    assert client.decoder_pid() == before


def test_a_downloaded_file_has_the_name_of_its_format() -> None:
    names = [name for one in FORMATS for name in one.names]
    assert len(names) == len(set(names))
    assert len({one.media_type for one in FORMATS}) == len(FORMATS)


def test_an_icon_file_shows_its_largest_picture(tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(out, "ICO", sizes=[(16, 16), (48, 48)])
    assert decode(out.getvalue(), tmp_path).width == 48
