"""Call a relay as a mailing would, as far as AUTH, look at what it shows, and hang up; no letter is begun.

The connection is sending/connect.py's own, so what the doctor sees is what a mailing gets. When the certificate is not
valid it is looked at once more without trust and without a password, only to say whose it is.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from cryptography import x509

from balintmail.config import Security
from balintmail.domain.outcome import Stage
from balintmail.sending.commands import QUIT, Offer
from balintmail.sending.connect import RelayTarget, connect, tls_context
from balintmail.sending.patience import TimeLimits
from balintmail.sending.transport import TransportDown

LIMITS = TimeLimits(connect=5, greeting=10, ehlo=5, tls=5, auth=10)  # seconds; a mailing is more patient
_GOODBYE = 2.0  # seconds for the relay to hang up
_MOST_NAMES = 4  # of a certificate; some have a hundred


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a relay's certificate says of itself."""

    names: tuple[str, ...]
    issuer: str
    not_before: datetime
    not_after: datetime

    def days_left(self, now: datetime) -> int:
        """Return the whole days until it expires; negative once it has."""
        return (self.not_after - now).days


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of one call. `down` says why no letter could be sent.

    `tls` is the protocol's name, or ""; `address` the IP address that answered, or "".
    """

    target: RelayTarget
    offer: Offer | None = None
    down: TransportDown | None = None
    tls: str = ""
    certificate: Certificate | None = None
    address: str = ""


class _Listener(asyncio.Protocol):
    """Waits for the relay to hang up."""

    def __init__(self) -> None:
        self.gone = asyncio.get_running_loop().create_future()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.gone.done():
            self.gone.set_result(None)


def call_all(targets: Sequence[RelayTarget], seconds: float) -> list[Heard]:
    """Call every relay at once; whoever has not answered within `seconds` is down."""

    async def work() -> list[Heard]:
        return list(await asyncio.gather(*(_within(target, seconds) for target in targets)))

    return asyncio.run(work())


async def call(target: RelayTarget, limits: TimeLimits = LIMITS) -> Heard:
    """Call one relay."""
    try:
        context = tls_context(target)
        transport, offer = await connect(target, context, limits)
    except TransportDown as exc:
        certificate = None
        if exc.outcome.stage is Stage.TLS and target.security is not Security.NONE:
            certificate = await _certificate_without_trust(target, limits)
        return Heard(target, down=exc, certificate=certificate)
    tls, certificate = _seal(transport)
    address = (transport.get_extra_info("peername") or ("",))[0]
    await _hang_up(transport)
    return Heard(target, offer, None, tls, certificate, str(address).partition("%")[0])


async def _within(target: RelayTarget, seconds: float) -> Heard:
    task = asyncio.ensure_future(call(target))
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if done:
        return task.result()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return Heard(target)


async def _certificate_without_trust(target: RelayTarget, limits: TimeLimits) -> Certificate | None:
    """Return the certificate that was refused; nothing is said on that connection but EHLO, STARTTLS and QUIT."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        transport, _ = await connect(replace(target, username="", password=""), context, limits)
    except TransportDown:
        return None
    _, certificate = _seal(transport)
    await _hang_up(transport)
    return certificate


def _seal(transport: asyncio.Transport) -> tuple[str, Certificate | None]:
    found = cast(ssl.SSLObject | None, transport.get_extra_info("ssl_object"))
    if found is None:
        return "", None
    raw = found.getpeercert(binary_form=True)
    try:
        return found.version() or "", _read(raw) if raw else None
    except ValueError:
        return found.version() or "", None


def _read(raw: bytes) -> Certificate:
    certificate = x509.load_der_x509_certificate(raw)
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = tuple(str(one.value) for one in extension)[:_MOST_NAMES]
    except x509.ExtensionNotFound:
        names = ()
    made = {one.oid: str(one.value) for one in certificate.issuer}
    issuer = made.get(x509.NameOID.ORGANIZATION_NAME) or made.get(x509.NameOID.COMMON_NAME) or "somebody unnamed"
    return Certificate(names, issuer, certificate.not_valid_before_utc, certificate.not_valid_after_utc)


async def _hang_up(transport: asyncio.Transport) -> None:
    listener = _Listener()
    transport.set_protocol(listener)
    with contextlib.suppress(TimeoutError):
        if not transport.is_closing():
            transport.write(QUIT)
            await asyncio.wait_for(listener.gone, _GOODBYE)
    transport.abort()
