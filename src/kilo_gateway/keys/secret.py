"""Mint a key, check its form, hash it.

A key is `kg_live_`, 43 characters of base 62 (256 bits), and 6 characters of checksum, so that a truncated or mistyped
key is told from an unknown one without a look-up, and secret scanners can recognise a real one.
"""

import hashlib
import secrets
import zlib

import msgspec

PREFIX = "kg_live_"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BODY_CHARACTERS = 43
_CHECK_CHARACTERS = 6
_SHOWN_CHARACTERS = 14


class Minted(msgspec.Struct, frozen=True):
    """A new key: the text to show once, the digest to keep, and the first characters to recognise it by."""

    key: str
    digest: bytes
    prefix: str


def mint() -> Minted:
    """A new random key."""
    body = _base62(secrets.randbits(256), _BODY_CHARACTERS)
    key = f"{PREFIX}{body}{_checksum(body)}"
    return Minted(key, digest_of(key.encode()), key[:_SHOWN_CHARACTERS])


def digest_of(key: bytes) -> bytes:
    """SHA-256 of a key: what is stored and compared. Unsalted, since a key holds 256 random bits."""
    return hashlib.sha256(key).digest()


def is_well_formed(key: str) -> bool:
    """Whether the text has a key's form and its checksum is right."""
    body = key[len(PREFIX) : -_CHECK_CHARACTERS]
    return (
        key.startswith(PREFIX)
        and len(body) == _BODY_CHARACTERS
        and body.isalnum()
        and key[-_CHECK_CHARACTERS:] == _checksum(body)
    )


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), _CHECK_CHARACTERS)


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
