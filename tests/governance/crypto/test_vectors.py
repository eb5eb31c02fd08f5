"""The primitives against the standards' own vectors, and what must be true of all keys and texts."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookline.core.errors import ProtectionError
from hookline.governance.crypto.ff1 import ALPHABETS, DIGITS, FF1, LEAST_DOMAIN, Format
from hookline.governance.crypto.sealed import SEALED, seal, seal_equally, unseal, version_of
from hookline.governance.crypto.tokens import TOKEN, token
from hookline.governance.keys.ring import hkdf_sha256, info_of

BASE_36 = DIGITS + "abcdefghijklmnopqrstuvwxyz"
KEY_128, KEY_192, KEY_256 = (
    "2B7E151628AED2A6ABF7158809CF4F3C",
    "2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F",
    "2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94",
)
# NIST, FF1samples.pdf: key, radix, tweak, plaintext, ciphertext.
FF1_SAMPLES = [
    (KEY_128, 10, "", "0123456789", "2433477484"),
    (KEY_128, 10, "39383736353433323130", "0123456789", "6124200773"),
    (KEY_128, 36, "3737373770717273373737", "0123456789abcdefghi", "a9tv40mll9kdu509eum"),
    (KEY_192, 10, "", "0123456789", "2830668132"),
    (KEY_192, 10, "39383736353433323130", "0123456789", "2496655549"),
    (KEY_192, 36, "3737373770717273373737", "0123456789abcdefghi", "xbj3kv35jrawxv32ysr"),
    (KEY_256, 10, "", "0123456789", "6657667009"),
    (KEY_256, 10, "39383736353433323130", "0123456789", "1001623463"),
    (KEY_256, 36, "3737373770717273373737", "0123456789abcdefghi", "xs8a0azh2avyalyzuwd"),
]
# RFC 5869, A.1 to A.3: key, salt, info, length, result.
HKDF = [
    (
        "0b" * 22,
        "000102030405060708090a0b0c",
        "f0f1f2f3f4f5f6f7f8f9",
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ),
    (
        bytes(range(0x50)).hex(),
        bytes(range(0x60, 0xB0)).hex(),
        bytes(range(0xB0, 0x100)).hex(),
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
        "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
    ),
    ("0b" * 22, "", "", "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"),
]
# RFC 4231, cases 1 to 4, 6 and 7.
HMAC = [
    ("0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (
        b"Jefe".hex(),
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    ("aa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (bytes(range(1, 26)).hex(), b"\xcd" * 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
    (
        "aa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
]
TEXTS = st.text(max_size=200)
KEYS = st.binary(min_size=32, max_size=32)


def numerals(text: str) -> list[int]:
    return [BASE_36.index(character) for character in text]


def written(places: Sequence[int]) -> str:
    return "".join(BASE_36[place] for place in places)


@pytest.mark.parametrize(("key", "radix", "tweak", "clear", "sealed"), FF1_SAMPLES)
def test_ff1_gives_nists_samples(key: str, radix: int, tweak: str, clear: str, sealed: str) -> None:
    ff1 = FF1(bytes.fromhex(key), radix)
    assert written(ff1.encrypt(numerals(clear), bytes.fromhex(tweak))) == sealed
    assert written(ff1.decrypt(numerals(sealed), bytes.fromhex(tweak))) == clear


@pytest.mark.parametrize(("material", "salt", "info", "wanted"), HKDF)
def test_hkdf_gives_the_rfcs_vectors(material: str, salt: str, info: str, wanted: str) -> None:
    found = hkdf_sha256(bytes.fromhex(material), bytes.fromhex(salt), bytes.fromhex(info), len(wanted) // 2)
    assert found.hex() == wanted


@pytest.mark.parametrize(("key", "text", "code"), HMAC)
def test_a_tokens_code_is_hmac_sha256(key: str, text: bytes, code: str) -> None:
    assert hmac.digest(bytes.fromhex(key), text, "sha256").hex() == code
    if text.isascii():
        found = token(bytes.fromhex(key), 3, text.decode())
        assert found == "t3." + base64.urlsafe_b64encode(bytes.fromhex(code)).decode().rstrip("=")
        assert TOKEN.fullmatch(found)


def test_what_is_sealed_is_aes_gcm() -> None:
    """NIST's GCM test vector 16 (256 bits, with additional data), turned back by the function that is used."""
    key = bytes.fromhex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")
    nonce = bytes.fromhex("cafebabefacedbaddecaf888")
    clear = bytes.fromhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    )
    sealed = bytes.fromhex(
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        "76fc6ece0f4e1768cddf8853bb2d551b"
    )
    domain = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    assert AESGCM(key).encrypt(nonce, clear, domain) == sealed
    value = "e1." + base64.urlsafe_b64encode(nonce + sealed).decode().rstrip("=")
    with pytest.raises(ProtectionError):  # its plaintext is no text
        unseal(key, value, domain)
    text = "Ada"
    assert (
        unseal(
            key,
            "e1."
            + base64.urlsafe_b64encode(nonce + AESGCM(key).encrypt(nonce, text.encode(), domain)).decode().rstrip("="),
            domain,
        )
        == text
    )


def test_what_is_sealed_equally_is_aes_siv() -> None:
    """RFC 5297, A.1: the library's SIV gives the standard's vector."""
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    key = bytes.fromhex("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")
    data = bytes.fromhex("101112131415161718191a1b1c1d1e1f2021222324252627")
    wanted = "85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c"
    assert AESSIV(key).encrypt(bytes.fromhex("112233445566778899aabbccddee"), [data]).hex() == wanted


@given(KEYS, TEXTS, st.booleans(), st.integers(1, 999_999_999), st.binary(max_size=40))
def test_what_was_sealed_comes_back(key: bytes, text: str, equally: bool, version: int, domain: bytes) -> None:
    value = (seal_equally if equally else seal)(key, version, text, domain)
    assert SEALED.fullmatch(value)
    assert version_of(value) == version
    assert unseal(key, value, domain) == text
    with pytest.raises(ProtectionError):
        unseal(key, value, domain + b"x")
    with pytest.raises(ProtectionError):
        unseal(bytes(byte ^ 1 for byte in key), value, domain)


@given(KEYS, TEXTS)
def test_equal_texts_are_sealed_to_others_or_to_equal_ones(key: bytes, text: str) -> None:
    assert seal(key, 1, text, b"") != seal(key, 1, text, b"")
    assert seal_equally(key, 1, text, b"") == seal_equally(key, 1, text, b"")


@pytest.mark.parametrize(
    "value", ["", "e1.", "e0.AAAA", "x1." + "A" * 40, "e1." + "A" * 40, "d1." + "A" * 40, "e1." + "ä" * 40, "clear"]
)
def test_what_is_not_sealed_is_not_turned_back_and_not_quoted(value: str) -> None:
    with pytest.raises(ProtectionError) as caught:
        unseal(bytes(32), value, b"")
    assert value == "" or value not in str(caught.value)


def test_a_sealed_value_of_which_a_bit_is_changed_is_refused() -> None:
    for value in (seal(bytes(32), 1, "Ada Lovelace", b""), seal_equally(bytes(32), 1, "Ada Lovelace", b"")):
        body = bytearray(base64.urlsafe_b64decode(value[3:] + "=" * (-len(value[3:]) % 4)))
        for place in range(len(body)):
            body[place] ^= 1
            with pytest.raises(ProtectionError):
                unseal(bytes(32), value[:3] + base64.urlsafe_b64encode(body).decode().rstrip("="), b"")
            body[place] ^= 1


def test_texts_of_a_megabyte() -> None:
    text = "ä" * 500_000
    assert unseal(bytes(32), seal(bytes(32), 1, text, b""), b"") == text
    assert unseal(bytes(32), seal_equally(bytes(32), 1, text, b""), b"") == text
    assert TOKEN.fullmatch(token(bytes(32), 1, text))
    digits = "0123456789" * 20_000
    assert Format(bytes(32), DIGITS).decrypt(Format(bytes(32), DIGITS).encrypt(digits)) == digits


@settings(max_examples=200)
@given(KEYS, st.sampled_from(sorted(ALPHABETS)), st.data())
def test_a_text_of_a_form_becomes_another_of_this_form_and_comes_back(
    key: bytes, name: str, data: st.DataObject
) -> None:
    alphabet = ALPHABETS[name]
    form = Format(key, alphabet)
    inside = data.draw(st.text(alphabet, min_size=form.least, max_size=60))
    text = data.draw(st.text(" -+.()é", max_size=3)) + inside + data.draw(st.text(" -+.()é", max_size=3))
    made = form.encrypt(text)
    assert len(made) == len(text)
    assert [one if one not in alphabet else "?" for one in made] == [
        one if one not in alphabet else "?" for one in text
    ]
    assert form.decrypt(made) == text


@pytest.mark.parametrize(("name", "least"), [("digits", 6), ("letters", 5), ("alphanumeric", 4), ("hexadecimal", 5)])
def test_domains_under_a_million_are_refused(name: str, least: int) -> None:
    form = Format(bytes(32), ALPHABETS[name])
    assert form.least == least
    assert len(ALPHABETS[name]) ** least >= LEAST_DOMAIN > len(ALPHABETS[name]) ** (least - 1)
    form.encrypt(ALPHABETS[name][1] * least)
    with pytest.raises(ValueError, match="at least"):
        form.encrypt(ALPHABETS[name][1] * (least - 1))


def test_ff1_is_a_permutation() -> None:
    """All million texts of six digits become all million texts of six digits: on a stripe of them, no two the same."""
    form = Format(b"k" * 32, DIGITS)
    found = {form.encrypt(f"{number:06}") for number in range(0, 1_000_000, 97)}
    assert len(found) == len(range(0, 1_000_000, 97))


def test_a_million_values_have_a_million_tokens() -> None:
    assert len({token(b"k" * 32, 1, str(number)) for number in range(1_000_000)}) == 1_000_000


@given(*[st.lists(st.text(max_size=6), min_size=3, max_size=3)] * 2)
def test_no_two_domains_have_one_info(one: list[str], other: list[str]) -> None:
    assert (info_of(*one) == info_of(*other)) == (one == other)
