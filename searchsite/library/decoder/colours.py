"""Brings whatever numbers a picture holds to 8 bits and sRGB. Runs only inside the child."""

from __future__ import annotations

import io
import math

from PIL import Image, ImageCms

from searchsite.library.decoder.protocol import Undecodable

LARGEST_PROFILE = 1 << 20
SRGB_NAMES = (b"sRGB", "sRGB".encode("utf-16-be"))


def eight_bits(image: Image.Image) -> Image.Image:
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


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
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
