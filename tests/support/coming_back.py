"""Letters that were sent, and the reports about them that come back, written here as mail systems write them."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

import sqlalchemy as sa

from balintmail.db import mailings
from balintmail.db.inbox import Arrival
from balintmail.db.models import Address, Delivery, InboundMessage, Mailing, ReturnEvent, Suppression
from balintmail.domain import address as addresses
from balintmail.domain import tokens
from balintmail.domain.states import (
    AddressHealth,
    DeliveryState,
    Ground,
    MailingKind,
    MailingState,
    SubscriptionState,
    SuppressionReason,
)
from balintmail.domain.tokens import Purpose, TokenClaims
from balintmail.receiving.event import Event
from balintmail.receiving.process import Reader
from balintmail.receiving.read import read
from balintmail.services import inbox, leaving, lists, subscriptions
from balintmail.services.context import Context
from balintmail.services.subscriptions import Joining
from tests.support import society

NO_USER = "550 5.1.1 <{}>: Recipient address rejected: User unknown in virtual mailbox table"
FULL = "552 5.2.2 <{}>: user is over quota"
SPAM = "550 5.7.1 Message from 192.0.2.1 rejected as spam, see https://example.net/why"


class InProcess(Reader):
    """Reads a message here and not in a child: these tests are about what follows."""

    def read(self, raw: bytes) -> tuple[Event, str]:
        return read(raw), ""


@dataclass
class Post:
    """A society whose letters come back. Reports are `dsn` and `arf`; `comes` stores and acts on them."""

    ctx: Context
    _number: "count[int]" = field(default_factory=lambda: count(1))

    @staticmethod
    def of(ctx: Context) -> "Post":
        society.found(ctx)
        lists.add(ctx, "courses", lists.Manners(name="Weekends and courses"))
        return Post(ctx)

    def reader(self, address: str, *slugs: str, name: str = "") -> int:
        """Subscribe somebody to these lists and return their number."""
        joinings = [Joining(list_slug=slug, name=name or None) for slug in slugs or ("newsletter",)]
        found = [subscriptions.subscribe(self.ctx, [address], each)[0].person for each in joinings]
        return found[0] or 0

    def sent(
        self, person: int | None, address: str, state: DeliveryState = DeliveryState.ACCEPTED, list_id: int | None = 1
    ) -> int:
        """Put one more mailing with one delivery into the ledger, tried now; return the delivery."""
        now, parsed = self.ctx.clock.now(), addresses.parse(address)
        with self.ctx.db.write() as tx:
            mailing = {
                "list_id": list_id, "kind": MailingKind.NEWSLETTER, "number": f"n{next(self._number)}", "title": "News",
                "state": MailingState.SENDING, "content_hash": "0" * 64, "created_at": now, "frozen_at": now,
                "audience": 1,
            }  # fmt: skip
            number = tx.execute(sa.insert(Mailing).values(**mailing).returning(Mailing.id)).scalar_one()
            mailings.keep_content(tx, number, source="", compiled=b"{}")
            row = {
                "mailing_id": number, "person_id": person, "address": parsed.text, "envelope": parsed.envelope,
                "address_key": parsed.key, "ground": Ground.CONSENT, "data": "[]", "state": state, "at": now,
                "first_tried_at": now if state is not DeliveryState.QUEUED else None,
            }  # fmt: skip
            delivery: int = tx.execute(sa.insert(Delivery).values(**row).returning(Delivery.id)).scalar_one()
        return delivery

    def token(self, delivery: int, purpose: Purpose = Purpose.BOUNCE, **claims: int) -> str:
        return tokens.make(TokenClaims(purpose, delivery=delivery, **claims), self.ctx.keyring.tokens)

    def dsn(
        self,
        delivery: int,
        to: str,
        words: str = NO_USER,
        *,
        action: str = "failed",
        also: tuple[str, ...] = (),
        token: str | None = None,
    ) -> bytes:
        """Return a report about a delivery, sent to its envelope's sender; `to` is whom it names."""
        key = self.token(delivery) if token is None else token
        envelope = f"bounces+{key}@balint.example.org" if key else "bounces@balint.example.org"
        groups = [
            f"Final-Recipient: rfc822; {one}\nAction: {action}\nStatus: {_status(words)}\n"
            f"Diagnostic-Code: smtp; {words.format(one)}\n"
            for one in ((to, *also) if to else also)
        ]
        return _crlf(f"""From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
To: {envelope}
Subject: Undelivered Mail Returned to Sender
Message-ID: <{next(self._number)}.report@mx.example.net>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="part"

--part
Content-Type: text/plain

This is the mail system at host mx.example.net. Your message could not be delivered.

--part
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

{chr(10).join(groups)}
--part--
""")

    def arf(
        self, delivery: int, to: str = "", *, kind: str = "abuse", text: str = "", message_id: bool = True
    ) -> bytes:
        """Return a complaint that carries the letter it is about; without `to`, the recipient is taken out."""
        named = f"Original-Rcpt-To: {to}\n" if to else ""
        ours = self.token(delivery, Purpose.MESSAGE_ID)
        header = f"Message-ID: <{ours}@balint.example.org>\n" if message_id else ""
        return _crlf(f"""From: feedback@fbl.example.net
To: complaints@balint.example.org
Subject: complaint about message from 192.0.2.1
Message-ID: <{next(self._number)}.fbl@fbl.example.net>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="part"

--part
Content-Type: text/plain

This is an email abuse report.

--part
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
{named}
--part
Content-Type: message/rfc822

From: The Society <secretary@balint.example.org>
To: redacted
Subject: News
{header}{text}
Dear reader,

--part--
""")

    def comes(self, *raws: bytes, at: datetime | None = None) -> None:
        """Store these messages, which came now or at `at`, and act on them."""
        for raw in raws:
            came = at or self.ctx.clock.now()
            arrival = Arrival(mailbox="bounces", place="", raw=raw, size=len(raw), received_at=came)
            inbox.store(self.ctx, arrival)
        inbox.process(self.ctx, InProcess())

    # What stands now

    def address(self, email: str) -> Address:
        with self.ctx.db.read() as tx:
            columns = list(Address.__table__.columns)
            row = tx.execute(sa.select(*columns).where(Address.key == addresses.parse(email).key)).one()
            return Address(**row._mapping)

    def suppressed(self, email: str) -> SuppressionReason | None:
        with self.ctx.db.read() as tx:
            key = addresses.parse(email).key
            found: SuppressionReason | None = tx.scalar(
                sa.select(Suppression.reason).where(Suppression.address_key == key)
            )
            return found

    def mailed(self, email: str) -> bool:
        """Whether nothing that came back keeps letters from this address."""
        return self.address(email).health is AddressHealth.OK and self.suppressed(email) is None

    def delivery(self, delivery: int) -> Delivery:
        with self.ctx.db.read() as tx:
            columns = list(Delivery.__table__.columns)
            row = tx.execute(sa.select(*columns).where(Delivery.id == delivery)).one()
            return Delivery(**row._mapping)

    def events(self) -> list[ReturnEvent]:
        with self.ctx.db.read() as tx:
            columns = list(ReturnEvent.__table__.columns)
            rows = tx.execute(sa.select(*columns).order_by(ReturnEvent.id))
            return [ReturnEvent(**row._mapping) for row in rows]

    def remarks(self) -> list[str]:
        with self.ctx.db.read() as tx:
            return list(tx.scalars(sa.select(InboundMessage.remark).order_by(InboundMessage.id)))

    def standing(self, person: int) -> dict[str, SubscriptionState | None]:
        with self.ctx.db.read() as tx:
            return {each.slug: each.state for each in leaving.standings(tx, person)}


def days(number: float) -> timedelta:
    return timedelta(days=number)


def _status(words: str) -> str:
    return next((word for word in words.split() if word.count(".") == 2 and word[0] in "245"), "5.0.0")


def _crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()
