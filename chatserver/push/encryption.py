"""Encryption of a push message to the keys of a browser: RFC 8291, with the encoding of RFC 8188.

cryptography is imported with the first message, because that takes longer than most starts.
"""

import base64
import os
from hashlib import sha256
from hmac import digest as hmac_digest
from typing import Any

RECORD_SIZE = 4096  # RFC 8291, 4: a push message is one record
MAX_PLAINTEXT = 3_993  # bytes that fit into the 4,096 that every push service accepts
PADDING_STEP = 256  # bytes: a push service learns the length of a text only roughly
PUBLIC_KEY_BYTES, SECRET_BYTES, SALT_BYTES = 65, 16, 16
_LAST_RECORD = b"\x02"  # RFC 8188, 2: delimiter of the last record


def encode_base64(data: bytes) -> str:
    """Return base64url without padding: RFC 7515, 2."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode_base64(text: str) -> bytes:
    """Decode base64url with or without padding. Raises ValueError for other characters."""
    plain = text.rstrip("=").translate(_URL_SAFE)
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


_URL_SAFE = str.maketrans("-_", "+/")


def public_key(encoded: bytes) -> Any:
    """Return a public key of P-256 from its 65 bytes. Raises ValueError unless it is a point."""
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), encoded)


def encoded_public_key(private_key: Any) -> bytes:
    """Return the 65 bytes of the public half of a private key."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    encoded: bytes = private_key.public_key().public_bytes(
        Encoding.X962, PublicFormat.UncompressedPoint
    )
    return encoded


def new_private_key() -> Any:
    """Return a new key of P-256."""
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def encrypt(plaintext: bytes, *, browser_key: bytes, secret: bytes) -> bytes:
    """Return the body of a push message. `browser_key` and `secret`: p256dh and auth, decoded.

    Raises ValueError if the text is longer than MAX_PLAINTEXT.
    """
    if len(plaintext) > MAX_PLAINTEXT:
        raise ValueError("the text does not fit into a push message")
    padded = min(len(plaintext) // PADDING_STEP * PADDING_STEP + PADDING_STEP, MAX_PLAINTEXT)
    padding = bytes(padded - len(plaintext))
    return encrypt_record(
        plaintext + _LAST_RECORD + padding,
        browser_key=browser_key,
        secret=secret,
        salt=os.urandom(SALT_BYTES),
        own_key=new_private_key(),
    )


def encrypt_record(
    record: bytes, *, browser_key: bytes, secret: bytes, salt: bytes, own_key: Any
) -> bytes:
    """Encrypt a padded record. `salt` and `own_key` must be new for each message."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    own_public = encoded_public_key(own_key)
    shared = own_key.exchange(ec.ECDH(), public_key(browser_key))
    info = b"WebPush: info\0" + browser_key + own_public + b"\x01"
    keying_material = _hmac(_hmac(secret, shared), info)
    pseudorandom = _hmac(salt, keying_material)
    key = _hmac(pseudorandom, b"Content-Encoding: aes128gcm\0\x01")[:16]
    nonce = _hmac(pseudorandom, b"Content-Encoding: nonce\0\x01")[:12]
    header = salt + RECORD_SIZE.to_bytes(4) + bytes([len(own_public)]) + own_public
    return header + AESGCM(key).encrypt(nonce, record, None)


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac_digest(key, data, sha256)
