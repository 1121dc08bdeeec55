"""From the bytes of an upload to upright, stripped WebP pictures in sRGB. Runs only inside the child."""

from __future__ import annotations

import base64
import codecs
import io
import math
import warnings
from dataclasses import asdict
from typing import IO, Any

from PIL import Image, ImageChops, ImageCms, JpegImagePlugin, UnidentifiedImageError
from PIL.Image import Resampling, Transpose

from searchsite.library.decoder import preloading
from searchsite.library.decoder.protocol import Facts, Policy, Undecodable, pack_answer

ORIENTATION = 0x0112
CAMERA_TAGS = (0x010F, 0x0110)  # make, model
TURNS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
LOSSLESS = frozenset({"PNG", "GIF", "BMP", "TIFF", "ICO", "CUR", "QOI", "PCX", "TGA", "PPM", "XPM", "XBM"})
# Measured on 1000 x 700: method 0 costs 17 ms, 4 costs 43 ms for a file a quarter smaller.
QUALITY, METHOD = 84, 0
PLACEHOLDER_SIDE = 16
LARGEST_PROFILE = 1 << 20
SAMPLE_SIDE = 512
UNREADABLE = "This picture is damaged and cannot be read."


ENCODINGS = ("utf-8", "ascii", "latin-1", "utf-16", "utf-16-be", "utf-16-le", "cp1252")
SRGB_NAMES = (b"sRGB", "sRGB".encode("utf-16-be"))


def warm_up() -> None:
    """Run once all that a child needs, before it is forked."""
    for encoding in ENCODINGS:
        codecs.lookup(encoding)
    for kind in preloading.SAVED:
        data = io.BytesIO()
        Image.new("RGB", (8, 8)).save(data, kind, exif=Image.Exif())
        data.seek(0)
        render(data, Policy(max_pixels=64, max_side=8, sizes=(4, 8)))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for name in SRGB_NAMES:
        profile = profile.replace(name, bytes(len(name)))
    _to_srgb(Image.new("RGB", (8, 8)), profile)


def render(file: IO[bytes], policy: Policy) -> bytes:
    """Decode a file and return the packed answer. Raises whatever the parser raises."""
    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = policy.max_pixels
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    with Image.open(file, formats=preloading.FORMATS) as image:
        width, height = image.size
        if width * height > policy.max_pixels or max(width, height) > policy.max_side:
            raise Undecodable("This picture has too many pixels.")
        profile = image.info.get("icc_profile")
        lossless = image.format in LOSSLESS or _is_lossless_webp(image, file)
        if isinstance(image, JpegImagePlugin.JpegImageFile):
            # The decompressor shrinks by 2, 4 or 8 for nothing. Worth a view of 2016 rather than 2048 pixels:
            # 4000 x 3000 costs 90 ms instead of 290.
            enough = max(policy.sizes) * 3 / 4 / max(width, height)
            image.draft(None, (int(width * enough) or 1, int(height * enough) or 1))
        image.load()
        if image.format == "TIFF":  # It has turned itself upright.
            width, height = image.size
        # Not before: a PNG loads itself to look for EXIF, and broken pixels would be taken for broken EXIF.
        turn, camera = _exif(image)
        flat, clear = _flatness(image)
        upright = _flatten(image, max(policy.sizes), profile=profile)
    if turn is not None:
        upright = upright.transpose(turn)
        if turn not in (Transpose.FLIP_LEFT_RIGHT, Transpose.ROTATE_180, Transpose.FLIP_TOP_BOTTOM):
            width, height = height, width
    sizes, pictures = _derivatives(upright, policy.sizes, longest=max(width, height))
    facts = asdict(Facts(lossless=lossless, camera=camera, clear=clear, flat=flat))
    header = {"width": width, "height": height, "placeholder": _placeholder(upright), "sizes": sizes, "facts": facts}
    return pack_answer(header, pictures)


def sentence(error: Exception) -> str:
    """What a person is told about a file that could not be decoded."""
    if isinstance(error, Undecodable):
        return str(error)
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return "This picture has too many pixels."
    if isinstance(error, UnidentifiedImageError):
        return "This is not a picture that can be read."
    if "truncated" in str(error).lower():
        return "This picture ends before it is complete."
    if str(error).startswith("conversion from"):
        return "The colours of this picture are stored in a way that is not supported."
    return UNREADABLE


def _exif(image: Image.Image) -> tuple[Transpose | None, bool]:
    """The turn that makes the picture upright, and whether a camera wrote it. Broken EXIF says nothing."""
    try:
        exif = image.getexif()
        return TURNS.get(exif.get(ORIENTATION, 1)), any(exif.get(tag) for tag in CAMERA_TAGS)
    except Exception:  # noqa: BLE001 - EXIF parsers raise anything; the pixels may still be good
        return None, False


def _is_lossless_webp(image: Image.Image, file: IO[bytes]) -> bool:
    if image.format != "WEBP":
        return False
    at = file.tell()
    file.seek(12)
    lossless = b"VP8L" in file.read(4096)
    file.seek(at)
    return lossless


def _flatten(image: Image.Image, longest: int, *, profile: bytes | None) -> Image.Image:
    """Make it RGB on white, no larger than `longest`, in sRGB. Shrinks before it converts: memory is limited."""
    transparent = image.has_transparency_data
    plain = _eight_bits(image)
    if transparent and plain.mode != "RGBA":
        plain = plain.convert("RGBA")
    elif plain.mode not in ("L", "RGB", "RGBA", "CMYK", "LAB"):
        plain = plain.convert("RGB")
    plain.thumbnail((longest, longest), Resampling.BICUBIC, reducing_gap=2.0)
    if transparent:
        white = Image.new("RGB", plain.size, "white")
        white.paste(plain, mask=plain.getchannel("A"))
        plain = white
    return _to_srgb(plain, profile)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Greys of more than 8 bits; Pillow's own conversion would clip them to white."""
    if image.mode.startswith("I;"):
        image = image.convert("I")
    return _scaled(image, *_range(image)) if image.mode in ("I", "F") else image


def _range(image: Image.Image) -> tuple[float, float]:
    """Black and white of greys that may be any number: those that are usual, or the darkest and the lightest."""
    low, high = (float(one) for one in image.getextrema())  # type: ignore[arg-type]
    if not (math.isfinite(low) and math.isfinite(high)):
        raise Undecodable("This picture holds numbers that are no brightness.")
    # 16 bits often hold 12 or 10 of a scanner.
    usual = (1024.0, 4096.0, 65536.0) if image.mode == "I" else (1.0, 256.0, 65536.0)
    white = next((one for one in usual if low >= 0 and high <= one), None)
    return (low, max(high, low + 1e-9)) if white is None else (0.0, white)


def _scaled(image: Image.Image, low: float, high: float) -> Image.Image:
    factor = 255.999 / (high - low)
    return image.point(lambda value: value * factor - low * factor).convert("L")


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Apply a colour profile other than sRGB; a broken one is dropped."""
    if image.mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        return ImageCms.profileToProfile(image, lab, ImageCms.createProfile("sRGB"), outputMode="RGB") or image
    usable = image.mode in ("RGB", "CMYK") and profile and len(profile) <= LARGEST_PROFILE
    if usable and profile and not any(name in profile for name in SRGB_NAMES):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass
    return image.convert("RGB")


def _derivatives(image: Image.Image, sizes: tuple[int, ...], *, longest: int) -> tuple[list[int], list[bytes]]:
    """Encode each size once, never enlarged: of the sizes at or above the picture's own, only the smallest."""
    wanted = [size for number, size in enumerate(sorted(sizes)) if number == 0 or sorted(sizes)[number - 1] < longest]
    pictures = []
    for size in reversed(wanted):
        image.thumbnail((size, size), Resampling.BILINEAR, reducing_gap=1.0)
        pictures.append(_webp(image, QUALITY))
    return wanted[::-1], pictures


def _placeholder(image: Image.Image) -> str:
    tiny = image.copy()
    tiny.thumbnail((PLACEHOLDER_SIDE, PLACEHOLDER_SIDE), Resampling.BOX, reducing_gap=1.0)
    return "data:image/webp;base64," + base64.b64encode(_webp(tiny, 40)).decode("ascii")


def _webp(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    options: dict[str, Any] = {"quality": quality, "method": METHOD, "exif": b"", "icc_profile": b"", "xmp": b""}
    image.save(out, "WEBP", **options)
    return out.getvalue()


def _flatness(image: Image.Image) -> tuple[float, float]:
    """Shares of pixels that equal their right neighbour, and of see-through ones, in the middle of the picture."""
    left, top = (max(0, (side - SAMPLE_SIDE) // 2) for side in image.size)
    sample = image.crop((left, top, min(image.width, left + SAMPLE_SIDE), min(image.height, top + SAMPLE_SIDE)))
    clear = 0.0
    if image.has_transparency_data:
        sample = sample.convert("RGBA")
        clear = sum(sample.getchannel("A").histogram()[:128]) / (sample.width * sample.height)
    colours = _eight_bits(sample)
    colours = _to_srgb(colours, None) if colours.mode == "LAB" else colours.convert("RGB")
    if colours.width < 2:
        return 0.0, clear
    here = colours.crop((0, 0, colours.width - 1, colours.height))
    red, green, blue = ImageChops.difference(here, colours.crop((1, 0, *colours.size))).split()
    largest = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    return round(largest.histogram()[0] / (here.width * here.height), 4), round(clear, 4)
