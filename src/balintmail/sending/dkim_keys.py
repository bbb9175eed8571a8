"""DKIM keys as files: one PEM file per selector in the instance's folder `dkim/`, never in the database.

A file that others can read is refused, and none is ever overwritten or deleted here. PKCS #8 in PEM (RFC 7468); text
before the PEM block says which domain the key was made for and when. Neighbours: dkim.py signs with them,
dkim_record.py writes what the DNS holds of them.
"""

import hashlib
import os
import re
import stat
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from balintmail.domain.dkim import Algorithm, is_selector
from balintmail.errors import BalintmailError, Conflict

FOLDER = "dkim"
RSA_BITS = 2048  # S13; more would not fit into one UDP answer beside a second record, and few verifiers need it
RSA_FLOOR, RSA_CEILING = 1024, 4096  # the sizes that every verifier must be able to check: RFC 8301 section 3.2
_LARGEST_FILE = 64 * 1024  # bytes; a key takes two thousand
_NOTE = """\
A DKIM key of balintmail. Whoever has this file can sign letters in the name of the domain: keep it secret.
Domain: {domain}
Made: {made}
"""
_LINE = re.compile(r"^(Domain|Made): (\S+)\s*$", re.MULTILINE)
_PKCS1V15, _SHA256 = padding.PKCS1v15(), hashes.SHA256()


class KeyRefused(BalintmailError):
    """A DKIM key is missing, damaged, too short, or open to others; `selector` says which."""

    code = "dkim_key"

    def __init__(self, selector: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.selector = selector


@dataclass(frozen=True, slots=True)
class DkimKey:
    """One private key. `domain` and `made_at` are missing from a key that another program made."""

    selector: str
    algorithm: Algorithm
    domain: str
    made_at: datetime | None
    private: RSAPrivateKey | Ed25519PrivateKey = field(repr=False)

    @property
    def bits(self) -> int:
        """The size of the key in bits."""
        return self.private.key_size if isinstance(self.private, RSAPrivateKey) else 256

    def sign(self, message: bytes) -> bytes:
        """Return the signature over `message`; equal bytes for equal input, always (P6)."""
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(message, _PKCS1V15, _SHA256)
        return self.private.sign(hashlib.sha256(message).digest())  # RFC 8463 section 3: the hash is what is signed

    def public_bytes(self) -> bytes:
        """Return the public key as the DNS record carries it: SubjectPublicKeyInfo for RSA, 32 bytes for Ed25519."""
        public = self.private.public_key()
        if self.algorithm is Algorithm.ED25519:
            return public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def selectors(instance: Path) -> list[str]:
    """Return the selectors of all keys of the instance, in the order of their names."""
    return sorted(path.stem for path in (instance / FOLDER).glob("*.pem") if is_selector(path.stem))


def make(instance: Path, selector: str, algorithm: Algorithm, *, domain: str, now: datetime) -> DkimKey:
    """Make a new key file (mode 600) and return the key; raise Conflict when the selector has been used before."""
    private = (
        Ed25519PrivateKey.generate()
        if algorithm is Algorithm.ED25519
        else generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    )
    block = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    made_at = now.astimezone(UTC).replace(microsecond=0)
    folder = instance / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    _require_safe_folder(folder, selector)
    path = folder / f"{selector}.pem"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError as exc:
        raise Conflict(
            f'There is a key with the selector "{selector}" already.',
            hint="A selector is never used twice: name another.",
        ) from exc
    with open(handle, "wb") as file:
        file.write(_NOTE.format(domain=domain, made=made_at.isoformat()).encode("ascii") + block)
        file.flush()
        os.fsync(file.fileno())
    return DkimKey(selector, algorithm, domain, made_at, private)


def load(instance: Path, selector: str) -> DkimKey:
    """Return the key with that selector; raise KeyRefused when it is not there or not fit for use."""
    path = instance / FOLDER / f"{selector}.pem"
    if not is_selector(selector) or not path.is_file():
        raise KeyRefused(
            selector,
            f'There is no DKIM key with the selector "{selector}" in {FOLDER}/.',
            hint="Put the file back from where you keep it safe, or run: balintmail dkim new",
        )
    _require_safe_folder(path.parent, selector)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise KeyRefused(
            selector,
            f"{FOLDER}/{path.name} can be read by others (mode {mode:o}); it is a secret key.",
            hint=f"Run: chmod 600 {path}   and, if somebody may have read it: balintmail dkim new",
        )
    raw = _read(path, selector)
    private = _parse(raw, selector)
    note = dict(_LINE.findall(raw.partition(b"-----BEGIN")[0].decode("utf-8", "replace")))
    algorithm = Algorithm.ED25519 if isinstance(private, Ed25519PrivateKey) else Algorithm.RSA
    return DkimKey(selector, algorithm, note.get("Domain", ""), _moment(note.get("Made", "")), private)


def _read(path: Path, selector: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST_FILE)
    except OSError as exc:
        words = os.strerror(exc.errno or 0)
        raise KeyRefused(selector, f"{FOLDER}/{path.name} cannot be read: {words}.") from exc


def _parse(raw: bytes, selector: str) -> RSAPrivateKey | Ed25519PrivateKey:
    try:
        private = serialization.load_pem_private_key(raw, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:  # TypeError: it is locked with a password
        raise KeyRefused(
            selector,
            f"{FOLDER}/{selector}.pem is not a private key in PEM, without a password.",
            hint="Put the file back from where you keep it safe.",
        ) from exc
    if isinstance(private, Ed25519PrivateKey):
        return private
    if not isinstance(private, RSAPrivateKey):
        raise KeyRefused(selector, f"{FOLDER}/{selector}.pem is neither an RSA nor an Ed25519 key.")
    if not RSA_FLOOR <= private.key_size <= RSA_CEILING:
        raise KeyRefused(
            selector,
            f"{FOLDER}/{selector}.pem has {private.key_size} bits; readers accept {RSA_FLOOR} to {RSA_CEILING}.",
            hint="Run: balintmail dkim new",
        )
    return private


def _require_safe_folder(folder: Path, selector: str) -> None:
    """Refuse a folder in which others could put a key of theirs in place of ours."""
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & 0o022:
        raise KeyRefused(selector, f"Others may write into {FOLDER}/ (mode {mode:o}).", hint=f"Run: chmod 700 {folder}")


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None
