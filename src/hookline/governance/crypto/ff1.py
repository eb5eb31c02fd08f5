"""Format-preserving encryption: FF1 of NIST SP 800-38G, with AES-256.

A text of the characters of an alphabet becomes another one of the same length. The revision's second draft (2025) keeps FF1 alone
and wants domains of a million texts at least; smaller ones can be searched through, and are refused here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import CipherContext

LEAST_DOMAIN = 1_000_000
DIGITS = "0123456789"
LOWER = "abcdefghijklmnopqrstuvwxyz"
ALPHABETS = {"digits": DIGITS, "letters": LOWER, "alphanumeric": DIGITS + LOWER, "hexadecimal": DIGITS + "abcdef"}
_ROUNDS = 10
_BLOCK = 16
_MOST_NUMERALS = 1 << 20


class FF1:
    """FF1 with one key and one radix.

    Args:
        key: of 16, 24 or 32 bytes.
        radix: how many characters the alphabet has: 2 to 65,536.
    """

    def __init__(self, key: bytes, radix: int) -> None:
        if not 2 <= radix <= 1 << 16:
            raise ValueError("a radix is from 2 to 65,536")
        self._key = key
        self._radix = radix
        # The least length with a domain of a million: radix ** length.
        self.least = next(length for length in range(1, 64) if radix**length >= LEAST_DOMAIN)

    def encrypt(self, numerals: Sequence[int], tweak: bytes = b"") -> list[int]:
        """Algorithm 7.

        Raises:
            ValueError: there are fewer numerals than make a domain of a million, or too many.
        """
        return self._rounds(numerals, tweak, range(_ROUNDS), forward=True)

    def decrypt(self, numerals: Sequence[int], tweak: bytes = b"") -> list[int]:
        """Algorithm 8.

        Raises:
            ValueError: as ``encrypt``.
        """
        return self._rounds(numerals, tweak, range(_ROUNDS - 1, -1, -1), forward=False)

    def _rounds(self, numerals: Sequence[int], tweak: bytes, rounds: range, *, forward: bool) -> list[int]:
        n, radix = len(numerals), self._radix
        if n < self.least or n > _MOST_NUMERALS:
            raise ValueError(f"a text of {n} characters of {radix} can't be encrypted: it takes {self.least} at least")
        u = n // 2
        v = n - u
        a, b = _number(numerals[:u], radix), _number(numerals[u:], radix)
        size_b = -(-((radix**v - 1).bit_length()) // 8)
        size_d = 4 * (-(-size_b // 4)) + 4
        fixed = b"\x01\x02\x01" + radix.to_bytes(3, "big") + b"\x0a" + bytes([u % 256])
        fixed += n.to_bytes(4, "big") + len(tweak).to_bytes(4, "big")
        padded = tweak + bytes((-len(tweak) - size_b - 1) % _BLOCK)
        aes = self._cipher()
        for i in rounds:
            m = u if i % 2 == 0 else v
            taken = b if forward else a
            block = _prf(aes, fixed + padded + bytes([i]) + taken.to_bytes(size_b, "big"))
            stream = block
            for j in range(1, -(-size_d // _BLOCK)):
                stream += aes.update(_xor(block, j.to_bytes(_BLOCK, "big")))
            y = int.from_bytes(stream[:size_d], "big")
            if forward:
                a, b = b, (a + y) % radix**m
            else:
                a, b = (b - y) % radix**m, a
        return _numerals(a, radix, u) + _numerals(b, radix, v)

    def _cipher(self) -> CipherContext:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        # Block by block, as the standard's CIPH: ECB over one block is the block cipher itself.
        return Cipher(algorithms.AES(self._key), modes.ECB()).encryptor()  # noqa: S305


class Format:
    """Encrypts the characters of an alphabet in a text, and leaves all others where they are: ``555-0199`` keeps its hyphen.

    Args:
        key: derived for the purpose, the tenant and the entity.
        alphabet: the characters, each once.
    """

    def __init__(self, key: bytes, alphabet: str) -> None:
        self._alphabet = alphabet
        self._places = {character: place for place, character in enumerate(alphabet)}
        self._ff1 = FF1(key, len(alphabet))

    @property
    def least(self) -> int:
        """How many characters of the alphabet a text must have."""
        return self._ff1.least

    def encrypt(self, text: str) -> str:
        """Another text of the same form.

        Raises:
            ValueError: it has too few characters of the alphabet.
        """
        return self._changed(text, forward=True)

    def decrypt(self, text: str) -> str:
        """The text that ``encrypt`` made this of.

        Raises:
            ValueError: it has too few characters of the alphabet.
        """
        return self._changed(text, forward=False)

    def _changed(self, text: str, *, forward: bool) -> str:
        numerals = [self._places[character] for character in text if character in self._places]
        changed = iter(self._ff1.encrypt(numerals) if forward else self._ff1.decrypt(numerals))
        return "".join(self._alphabet[next(changed)] if one in self._places else one for one in text)


def _prf(aes: CipherContext, data: bytes) -> bytes:
    """Algorithm 6: CBC-MAC of whole blocks."""
    state = bytes(_BLOCK)
    for start in range(0, len(data), _BLOCK):
        state = aes.update(_xor(state, data[start : start + _BLOCK]))
    return state


def _xor(left: bytes, right: bytes) -> bytes:
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(_BLOCK, "big")


def _number(numerals: Sequence[int], radix: int) -> int:
    found = 0
    for numeral in numerals:
        found = found * radix + numeral
    return found


def _numerals(number: int, radix: int, size: int) -> list[int]:
    found = [0] * size
    for place in range(size - 1, -1, -1):
        number, found[place] = divmod(number, radix)
    return found
