"""What a file is, by its bytes; and whether a picture's frame is whole. Reads headers only, decodes nothing.

A picture whose structure breaks off is refused at the door. One whose structure is whole but whose pixels turn
out to be damaged becomes an item whose decoding has failed, with the reason.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from pathlib import Path

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from searchsite.config import Config
from searchsite.library import encodings, files, wording
from searchsite.library.formats import NAMES, Format, format_of
from searchsite.library.numbers import grouped
from searchsite.library.refusals import Refusal
from searchsite.library.walking import Broken, Header

MAX_SIDE = 30_000
# Only the first frame is decoded, so an animation may have this many times the pixels of a still picture in all.
FRAMES_FACTOR = 20
MAX_FRAMES = 10_000
# Decoders of rare formats are slow, and some want many bytes a pixel.
MAX_RARE_PIXELS = 16_000_000
NAMES_OF_TEXTS = (
    "txt text md markdown mdown rst org adoc asciidoc textile tex bib log csv tsv json jsonl ndjson yaml yml toml"
    " ini cfg conf properties env po pot srt vtt sub diff patch nfo asc me sql py js mjs ts tsx jsx css scss c h cc"
    " cpp hpp cs java kt go rs rb pl php lua r jl swift sh bash zsh fish ps1 bat cmd vim el lisp hs ml gradle cmake"
    " xml"
)
# "" is a name without an extension (README, notes).
TEXT_NAMES = frozenset(["", *NAMES_OF_TEXTS.split()])
# (offset, bytes, name)
KNOWN = (
    (0, b"%PDF-", "PDF"),
    (0, b"8BPS", "Photoshop (PSB)"),
    (0, b"%!PS", "PostScript"),
    (0, b"\xc5\xd0\xd3\xc6", "PostScript"),
    (0, b"v/1\1", "OpenEXR"),
    (0, b"\xd7\xcd\xc6\x9a", "Windows metafile"),
    (0, b"\1\0\0\0", "Windows metafile"),
    (0, b"\0\0\0\x0cJXL ", "JPEG XL"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"AT&TFORM", "DjVu"),
    (0, b"gimp xcf", "GIMP (XCF)"),
    (4, b"ftypcrx", "camera raw (CR3)"),
    (4, b"ftyp", gettext_noop("video")),
    (0, b"\x1aE\xdf\xa3", gettext_noop("video")),
    (8, b"AVI ", gettext_noop("video")),
    (8, b"WAVE", gettext_noop("sound")),
    (0, b"ID3", gettext_noop("sound")),
    (0, b"OggS", gettext_noop("sound")),
    (0, b"fLaC", gettext_noop("sound")),
    (0, b"PK\3\4", gettext_noop("archive or office document")),
    (0, b"\xd0\xcf\x11\xe0", gettext_noop("older office document")),
    (0, b"{\\rtf", "rich text (RTF)"),
    (0, b"\x1f\x8b", gettext_noop("archive")),
    (0, b"BZh", gettext_noop("archive")),
    (0, b"\xfd7zXZ", gettext_noop("archive")),
    (0, b"\x28\xb5\x2f\xfd", gettext_noop("archive")),
    (0, b"7z\xbc\xaf", gettext_noop("archive")),
    (0, b"Rar!", gettext_noop("archive")),
    (0, b"\x7fELF", gettext_noop("program")),
    (0, b"MZ", gettext_noop("program")),
    (0, b"SQLite format 3", gettext_noop("database")),
)
MARKDOWN_TYPE, MARKDOWN_NAMES = "text/markdown", frozenset({"md", "markdown"})


@dataclass(frozen=True)
class Picture:
    """A picture that may be decoded."""

    media_type: str
    header: Header


@dataclass(frozen=True)
class Text:
    """A text, cleaned for storing. Its media type names the encoding of the file where that is not UTF-8."""

    text: str
    media_type: str = encodings.TEXT_TYPE


def look(path: Path, name: str, *, config: Config) -> Picture | Text:
    """Tell what the file is. Raises Refusal with one sentence that says what is wrong with it."""
    if path.stat().st_size == 0:
        raise Refusal(_("The file is empty."), code="empty")
    extension = wording.extension_of(name)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        found = format_of(data, extension)
        if found is not None:
            return _picture(found, data, config)
        head = bytes(data[:64])
    return _text(path, head, extension, config)


def taken() -> str:
    """What may come in, as a sentence."""
    return _(
        "Taken are JPEG, PNG, WebP, GIF, AVIF, HEIC, TIFF and BMP pictures, some older picture formats, and plain text."
    )


def _picture(found: Format, data: mmap.mmap, config: Config) -> Picture:
    try:
        header = found.read(data)
    except Broken as error:
        raise Refusal(_("This picture cannot be read: %(why)s.") % {"why": _(str(error))}, code="truncated") from error
    most = min(config.max_pixels, MAX_RARE_PIXELS) if found.rare else config.max_pixels
    return Picture(found.media_type, _within_limits(header, most))


def _within_limits(header: Header, most: int) -> Header:
    width, height, frames = header.width, header.height, header.frames
    if not width or not height:
        raise Refusal(_("This picture has no pixels."), code="no-pixels")
    if max(width, height) > MAX_SIDE:
        message = _("This picture is %(long)s pixels long; %(most)s is the most.")
        said = {"long": grouped(max(width, height)), "most": grouped(MAX_SIDE)}
        raise Refusal(message % said, code="too-long")
    if width * height > most:
        message = _("This picture has %(pixels)s million pixels; %(most)s million is the most.")
        said = {"pixels": grouped(round(width * height / 1e6)), "most": number_format(f"{most / 1e6:g}")}
        raise Refusal(message % said, code="too-many-pixels")
    if frames > MAX_FRAMES or width * height * frames > FRAMES_FACTOR * most:
        message = _("This animation has too many frames (%(frames)s) for its size.")
        raise Refusal(message % {"frames": grouped(frames)}, code="too-many-frames")
    return header


def _text(path: Path, head: bytes, extension: str, config: Config) -> Text:
    if extension in NAMES:
        message = _("The name says .%(extension)s, but this is no picture of that kind.")
        raise Refusal(message % {"extension": extension}, code="not-a-picture")
    known = next((what for at, magic, what in KNOWN if head[at : at + len(magic)] == magic), None)
    if known is not None:
        raise _not_accepted(_("Files of this kind (%(kind)s) are not accepted.") % {"kind": _(known)})
    if extension not in TEXT_NAMES:
        raise _not_accepted(_("Files of this kind (%(kind)s) are not accepted.") % {"kind": f".{extension}"})
    if path.stat().st_size > config.max_text_bytes:
        message = _("This text is larger than %(most)s MB.") % {"most": files.megabytes(config.max_text_bytes)}
        raise Refusal(message, code="too-large", status=413)
    try:
        read = encodings.read(path.read_bytes())
    except encodings.Binary as error:
        raise _not_accepted(_("This is neither a picture nor a text.")) from error
    except encodings.Unknown as error:
        message = _("The encoding of this text cannot be told. Save it as UTF-8 and try again.")
        raise Refusal(message, code="unknown-encoding") from error
    text = wording.clean_text(read.text)
    if not text.strip():
        raise Refusal(_("The text is empty."), code="empty")
    # Only the name tells: the same bytes are a plain text as well.
    marked = extension in MARKDOWN_NAMES
    media_type = read.media_type.replace(encodings.TEXT_TYPE, MARKDOWN_TYPE, 1) if marked else read.media_type
    return Text(text, media_type)


def _not_accepted(sentence: str) -> Refusal:
    return Refusal(f"{sentence} {taken()}", code="type-not-accepted", status=415)
