"""Texts in the encodings that people's files have."""

from __future__ import annotations

import random

import pytest

from searchsite.accounts.models import Team, User
from searchsite.library import encodings
from searchsite.library.encodings import Binary, Unknown
from searchsite.library.models import Part
from tests.library.conftest import place, take

GERMAN = "Grüße aus der schönen Stadt. Wir haben gestern die Gärten besucht, überall blühte es."
FRENCH = "L'été dernier, nous sommes allés à la mer où les enfants ont joué près des rochers."
POLISH = "Wczoraj poszliśmy do ogrodu botanicznego, żeby obejrzeć kwitnące drzewa i krzewy."
CZECH = "Včera jsme šli do botanické zahrady, abychom viděli kvetoucí stromy a keře."
TURKISH = "Dün arkadaşlarımla İstanbul'a gittik, hava çok güzeldi ve balık yedik."
RUSSIAN = "Вчера мы гуляли по старому городу и видели много красивых домов. Погода была хорошая."
UKRAINIAN = "Вчора ми гуляли старим містом і бачили багато гарних будинків. Їжа була смачна."
GREEK = "Χθες πήγαμε στη θάλασσα και ο καιρός ήταν πολύ καλός. Φάγαμε ψάρι."
HEBREW = "אתמול הלכנו לים ומזג האוויר היה נעים מאוד. אכלנו דגים ושתינו יין."
ARABIC = "ذهبنا أمس إلى البحر وكان الطقس جميلا جدا وأكلنا السمك"
THAI = "เมื่อวานนี้เราไปเที่ยวทะเลและอากาศดีมาก เรากินอาหารทะเล"
JAPANESE = "昨日は友達と一緒に京都へ行きました。お寺を見て、おいしい料理を食べました。"
CHINESE = "昨天我们去了北京的故宫，天气很好，人也很多。我们拍了很多照片。"
TRADITIONAL = "昨天我們去了台北的故宮，天氣很好，人也很多。我們拍了很多照片。"
KOREAN = "어제 우리는 서울에 갔습니다. 날씨가 매우 좋았고 맛있는 음식을 많이 먹었습니다."
CASES = [
    *((GERMAN, one) for one in ("utf-8", "cp1252", "latin-1", "cp850", "mac-roman")),
    *((GERMAN, one) for one in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")),
    *((FRENCH, one) for one in ("cp1252", "iso8859-15")),
    *((text, one) for text in (POLISH, CZECH) for one in ("cp1250", "iso8859-2")),
    (TURKISH, "cp1254"),
    *((RUSSIAN, one) for one in ("cp1251", "koi8-r", "iso8859-5", "cp866", "utf-16-le", "utf-16-be")),
    *((UKRAINIAN, one) for one in ("cp1251", "koi8-u")),
    *((GREEK, one) for one in ("cp1253", "iso8859-7")),
    (HEBREW, "cp1255"),
    (ARABIC, "cp1256"),
    (THAI, "cp874"),
    *((JAPANESE, one) for one in ("shift_jis", "euc-jp", "iso2022_jp", "utf-16-le", "utf-16-be")),
    *((CHINESE, one) for one in ("gb18030", "gbk", "utf-16-le")),
    (TRADITIONAL, "big5"),
    (KOREAN, "euc-kr"),
]


@pytest.mark.parametrize(("text", "encoding"), CASES, ids=lambda one: one[:12])
def test_it_is_read_as_it_was_written(text: str, encoding: str) -> None:
    assert encodings.read(text.encode(encoding)).text == text


@pytest.mark.parametrize(
    ("text", "encoding"), [("Grüße", "cp1252"), ("Café", "latin-1"), ("Привет", "koi8-r"), ("こんにちは", "shift_jis")]
)
def test_a_word_is_enough(text: str, encoding: str) -> None:
    assert encodings.read(text.encode(encoding)).text == text


def test_the_dash_of_a_mostly_english_text_is_kept() -> None:
    text = "A long plain text. " * 400 + "The café’s menu – as before."
    assert encodings.read(text.encode("cp1252")).text == text


@pytest.mark.parametrize("data", [b"some text\0and more", bytes(range(256)) * 20, random.Random(1).randbytes(5000)])
def test_what_is_no_text_is_told(data: bytes) -> None:
    with pytest.raises((Binary, Unknown)):
        encodings.read(data)


@pytest.mark.parametrize("seed", range(20))
def test_noise_is_never_taken_for_a_text(seed: int) -> None:
    with pytest.raises((Binary, Unknown)):
        encodings.read(random.Random(seed).randbytes(2000))


def test_an_escape_for_colours_is_no_reason_to_refuse() -> None:
    assert encodings.read(b"\x1b[31merror\x1b[0m: none\n").text.startswith("\x1b[31merror")


def test_the_file_says_in_which_encoding_it_is(alice: User, team: Team) -> None:
    item = take(RUSSIAN.encode("koi8-r"), place(alice, team), "walk.txt").item
    assert item.blob.media_type == "text/plain; charset=koi8-r"
    assert Part.objects.get(item=item).text == RUSSIAN
    assert take(RUSSIAN.encode(), place(alice, team), "walk.txt").item.blob.media_type == "text/plain"


def test_a_text_that_ends_in_the_middle_of_a_character_is_refused() -> None:
    with pytest.raises((Binary, Unknown)):
        encodings.read(JAPANESE.encode("utf-16")[:-1])
