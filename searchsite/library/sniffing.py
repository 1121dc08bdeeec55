"""What a file is, by its bytes; and whether a picture's frame is whole. Reads headers only, decodes nothing.

A picture whose structure breaks off is refused at the door. One whose structure is whole but whose pixels turn
out to be damaged becomes an item whose decoding has failed, with the reason.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from pathlib import Path

from searchsite.config import Config
from searchsite.library import wording
from searchsite.library.headers import READERS, Broken, Header
from searchsite.library.refusals import Refusal

MAX_SIDE = 30_000
# Only the first frame is decoded, so an animation may have this many times the pixels of a still picture in all.
FRAMES_FACTOR = 20
MAX_FRAMES = 10_000
PICTURE_NAMES = frozenset({"jpg", "jpeg", "jpe", "jfif", "mpo", "png", "apng", "webp", "gif"})
# "" is a name without an extension (README, notes).
TEXT_NAMES = frozenset(
    {
        "",
        "txt",
        "text",
        "md",
        "markdown",
        "rst",
        "org",
        "log",
        "csv",
        "tsv",
        "json",
        "yaml",
        "yml",
        "toml",
        "ini",
        "cfg",
    }
)
TEXT_TYPE = "text/plain"
TAKEN = "JPEG, PNG, WebP and GIF pictures and plain text are."
# (offset, bytes, name)
KNOWN = (
    (0, b"%PDF-", "PDF files"),
    (0, b"II*\0", "TIFF pictures"),
    (0, b"MM\0*", "TIFF pictures"),
    (0, b"BM", "BMP pictures"),
    (0, b"8BPS", "Photoshop files"),
    (0, b"%!PS", "PostScript files"),
    (0, b"\xc5\xd0\xd3\xc6", "PostScript files"),
    (4, b"ftypavif", "AVIF pictures"),
    (4, b"ftypavis", "AVIF pictures"),
    (4, b"ftyphei", "HEIC pictures"),
    (4, b"ftyphev", "HEIC pictures"),
    (4, b"ftypmif1", "HEIC pictures"),
    (4, b"ftyp", "Videos"),
    (0, b"\x1aE\xdf\xa3", "Videos"),
    (0, b"PK\3\4", "Archives and office documents"),
    (0, b"\x1f\x8b", "Archives"),
    (0, b"7z\xbc\xaf", "Archives"),
    (0, b"Rar!", "Archives"),
    (0, b"\0\0\1\0", "Icon files"),
    (0, b"\0\0\0\x0cjP", "JPEG 2000 pictures"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000 pictures"),
)


@dataclass(frozen=True)
class Picture:
    """A picture that may be decoded."""

    media_type: str
    header: Header


@dataclass(frozen=True)
class Text:
    """A text, cleaned for storing."""

    text: str
    media_type: str = TEXT_TYPE


def look(path: Path, name: str, *, config: Config) -> Picture | Text:
    """Tell what the file is. Raises Refusal with one sentence that says what is wrong with it."""
    if path.stat().st_size == 0:
        raise Refusal("The file is empty.", code="empty")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for media_type, (magic, read) in READERS.items():
            if magic(data):
                try:
                    header = read(data)
                except Broken as error:
                    raise Refusal(f"This picture cannot be read: {error}.", code="truncated") from error
                return Picture(media_type, _within_limits(header, config))
        head = bytes(data[:64])
    return _text(path, head, wording.extension_of(name), config)


def _within_limits(header: Header, config: Config) -> Header:
    width, height, frames = header.width, header.height, header.frames
    if not width or not height:
        raise Refusal("This picture has no pixels.", code="no-pixels")
    if max(width, height) > MAX_SIDE:
        raise Refusal(f"This picture is {max(width, height):,} pixels long; {MAX_SIDE:,} is the most.", code="too-long")
    if width * height > config.max_pixels:
        limit = config.max_pixels / 1e6
        message = f"This picture has {width * height / 1e6:.0f} million pixels; {limit:g} million is the most."
        raise Refusal(message, code="too-many-pixels")
    if frames > MAX_FRAMES or width * height * frames > FRAMES_FACTOR * config.max_pixels:
        raise Refusal(f"This animation has too many frames ({frames:,}) for its size.", code="too-many-frames")
    return header


def _text(path: Path, head: bytes, extension: str, config: Config) -> Text:
    known = next((what for at, magic, what in KNOWN if head[at : at + len(magic)] == magic), None)
    if extension in PICTURE_NAMES:
        raise Refusal(f"The name says .{extension}, but this is no picture of that kind.", code="not-a-picture")
    if known is not None:
        raise Refusal(f"{known} are not accepted. {TAKEN}", code="type-not-accepted", status=415)
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise Refusal("This text is in UTF-16. Save it as UTF-8 and try again.", code="not-utf8")
    if extension not in TEXT_NAMES:
        raise Refusal(
            f"Files of this kind (.{extension}) are not accepted. {TAKEN}", code="type-not-accepted", status=415
        )
    size = path.stat().st_size
    if size > config.max_text_bytes:
        message = f"This text is larger than {config.max_text_bytes / 2**20:.3g} MB."
        raise Refusal(message, code="too-large", status=413)
    data = path.read_bytes()
    if b"\0" in data:
        raise Refusal(f"This is neither a picture nor a text. {TAKEN}", code="type-not-accepted", status=415)
    try:
        text = wording.clean_text(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise Refusal("This text is not in UTF-8. Save it as UTF-8 and try again.", code="not-utf8") from error
    if not text.strip():
        raise Refusal("The text is empty.", code="empty")
    return Text(text)
