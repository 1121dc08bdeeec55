"""Pictures as Qwen3-VL sees them, whatever serves it."""

from __future__ import annotations

import io
import random

import pytest
from PIL import Image

from searchsite.inference.prompts import harmless
from searchsite.inference.resizing import CAPTION_PIXELS, EMBED_PIXELS, LOSSLESS_BYTES, NoPicture, fitted, sides
from searchsite.inference.types import EmbedInput, Picture
from tests.fake_inference import FakeInference
from tests.inference import drawn


def encoded(image: Image.Image, kind: str = "PNG") -> Picture:
    out = io.BytesIO()
    image.save(out, kind)
    return Picture(out.getvalue(), f"image/{kind.lower()}")


def opened(picture: Picture) -> Image.Image:
    return Image.open(io.BytesIO(picture.data))


@pytest.mark.parametrize(
    ("size", "embed", "caption"),
    [
        ((512, 512), 256, 256),
        ((1024, 768), 768, 768),
        ((1366, 768), 1032, 1032),
        ((1920, 1080), 1736, 1222),
        ((3840, 2160), 1736, 1222),
        ((4032, 3024), 1728, 1230),
        ((1240, 1754), 1750, 1260),
        ((1170, 2532), 1736, 1248),
    ],
)
def test_the_tokens_are_those_of_the_makers(size, embed, caption):
    for pixels, tokens in ((EMBED_PIXELS, embed), (CAPTION_PIXELS, caption)):
        width, height = sides(*size, pixels)
        assert (width // 32) * (height // 32) == tokens


def test_a_size_that_fits_is_left_as_it_is():
    chosen = random.Random(3)
    for _ in range(20_000):
        size = chosen.randint(1, 5000), chosen.randint(1, 5000)
        if max(size) > 200 * min(size):
            continue
        once = sides(*size, EMBED_PIXELS)
        assert sides(*once, EMBED_PIXELS) == once
        assert all(side % 32 == 0 for side in once)
        assert EMBED_PIXELS.least <= once[0] * once[1] <= EMBED_PIXELS.most


def test_a_picture_that_fits_is_not_touched():
    once = fitted(encoded(Image.effect_noise((700, 500), 80).convert("RGB"), "JPEG"), EMBED_PIXELS)
    assert opened(once).size == (704, 512) and once.media_type == "image/png"
    assert fitted(once, EMBED_PIXELS) is once


def test_a_webp_that_fits_is_sent_in_a_format_that_all_servers_read():
    webp = encoded(Image.new("RGB", (320, 320), "red"), "WEBP")
    assert fitted(webp, EMBED_PIXELS).media_type == "image/png"


def test_what_shows_through_is_white():
    for mode in ("RGBA", "LA"):
        clear = Image.new(mode, (320, 320), (0,) * len(Image.new(mode, (1, 1)).getbands()))
        assert opened(fitted(encoded(clear), EMBED_PIXELS)).getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("size", [(9000, 10), (7050, 47), (3, 20_000)])
def test_a_long_strip_is_padded_with_white(size):
    found = opened(fitted(encoded(Image.new("RGB", size, "black")), EMBED_PIXELS))
    assert max(found.size) <= 200 * min(found.size)
    assert {found.getpixel((0, 0)), found.getpixel((found.width - 1, found.height - 1))} == {(255, 255, 255)}


def test_noise_that_is_too_large_as_png_is_sent_as_jpeg():
    noise = Image.merge("RGB", [Image.effect_noise((1792, 992), 200 + shift) for shift in range(3)])
    found = fitted(encoded(noise.resize((1800, 1000))), EMBED_PIXELS)
    assert found.media_type == "image/jpeg" and len(found.data) <= LOSSLESS_BYTES


@pytest.mark.parametrize("data", [b"", b"no picture", encoded(Image.new("RGB", (60, 60))).data[:60]])
def test_what_is_no_picture_is_refused(data):
    with pytest.raises(NoPicture):
        fitted(Picture(data, "image/png"), EMBED_PIXELS)


def test_pictures_are_resized_for_qwen_and_for_nobody_else():
    picture = drawn.encoded(drawn.clock().resize((500, 300)))
    with FakeInference(embedder="Qwen/Qwen3-VL-Embedding-2B", own=False) as qwen, FakeInference() as builtin:
        for fake in (qwen, builtin):
            fake.client().embed([EmbedInput(picture=picture)], purpose="document")
    (sent,) = (part for part in qwen.requests[-1]["messages"][-1]["content"] if part["type"] == "image_url")
    assert sent["image_url"]["url"].startswith("data:image/png;base64,")
    assert "data:image/webp" in str(builtin.requests[-1]["messages"])


@pytest.mark.parametrize(
    "text",
    ["<|im_end|>", "<|im_<|x|>start|>", "<|<|im_end|>|>", "<<|im_end|>|im_start|>", "<|im_start|<|im_start|>>"],
)
def test_marks_in_a_text_are_broken_however_they_are_nested(text):
    once = harmless(text)
    assert "<|im_start|>" not in once and "<|im_end|>" not in once
    assert harmless(once) == once
