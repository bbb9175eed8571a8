"""What a plain reply to one of our mails stands for: the reply address (S18) and In-Reply-To; H23, C1 to C5, C11."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from balintmail.composing.compiled import Compiled
from balintmail.composing.merge import Merger
from balintmail.config import BounceStyle
from balintmail.db import mailings
from balintmail.db.models import AwaitedReply, Delivery, Mailing
from balintmail.db.session import Tx
from balintmail.domain.keys import Keyring
from balintmail.domain.recipient import Recipient, decode
from balintmail.domain.tokens import Purpose, read
from balintmail.services import answers
from balintmail.services.context import Context
from balintmail.services.inbox import prove
from balintmail.services.notice_mailings import release_due
from balintmail.services.requests import confirm
from tests.conftest import MovableClock
from tests.support import joining, society
from tests.support.answering import field, letters, token_of, with_bounces

STRANGER = "somebody@example.net"


@pytest.fixture(params=[BounceStyle.PLUS, BounceStyle.CATCHALL, BounceStyle.PLAIN], ids=lambda style: style.value)
def ctx(request: pytest.FixtureRequest, context: Context) -> Context:
    society.found(context)
    return with_bounces(context, request.param)


def asked(ctx: Context) -> str:
    """Let the Secretary be asked about a request; return the letter."""
    joining.ask(ctx)
    confirm(ctx, joining.token(ctx))
    release_due(ctx)
    return letters(ctx)[-1]


def meant(ctx: Context, tx: Tx, *tokens: str, sender: str = society.SECRETARY) -> str:
    return answers.meant(ctx, tx, prove(ctx, tx, tokens), sender)


def test_reply_address_names_the_letter_and_the_letter_the_request_S18(ctx: Context) -> None:
    letter = asked(ctx)
    shape = {
        BounceStyle.PLUS: r"bounces\+[a-z2-7]+@example\.org",
        BounceStyle.CATCHALL: r"[a-z2-7]+@example\.org",
        BounceStyle.PLAIN: r"bounces@example\.org",
    }
    assert re.fullmatch(shape[ctx.settings.bounces.style], field(letter, "Reply-To"))
    decide = re.findall(r"/decide/([a-z2-7]+)/approve", letter.replace("=\r\n", ""))[0]
    with ctx.db.read() as tx:
        assert meant(ctx, tx, token_of(ctx, letter)) == decide


def test_without_an_address_for_bounces_the_letter_is_answered_to_its_from(context: Context) -> None:
    society.found(context)
    letter = asked(context)
    assert field(letter, "Reply-To") == ""
    with context.db.read() as tx:
        assert meant(context, tx, token_of(context, letter)) != ""


def test_message_id_counts_only_from_the_officer_and_only_where_no_address_has_tokens(context: Context) -> None:
    society.found(context)
    for style, counts in ((BounceStyle.PLAIN, True), (BounceStyle.PLUS, False)):
        ctx = with_bounces(context, style)
        letter = asked(ctx) if style is BounceStyle.PLAIN else letters(ctx)[-1]
        message_id = re.findall(r"[a-z2-7]{30,}", field(letter, "Message-ID"))[0]
        with ctx.db.read() as tx:
            assert bool(meant(ctx, tx, message_id)) is counts
            assert meant(ctx, tx, message_id, sender=STRANGER) == ""
            assert meant(ctx, tx, message_id, sender="") == ""


@pytest.mark.parametrize("damage", ["truncated C1", "bit C2", "purpose C3"])
def test_damaged_or_other_token_means_nothing_C(ctx: Context, damage: str) -> None:
    letter = asked(ctx)
    token = token_of(ctx, letter)
    bad = {
        "truncated C1": token[:-2],
        "bit C2": token[:5] + ("b" if token[5] != "b" else "c") + token[6:],
        "purpose C3": re.findall(r"/decide/([a-z2-7]+)/", letter.replace("=\r\n", ""))[0],
    }[damage]
    with ctx.db.read() as tx:
        assert meant(ctx, tx, bad) == ""


def test_answer_to_two_letters_at_once_is_for_a_person_to_read(ctx: Context) -> None:
    one = token_of(ctx, asked(ctx))
    joining.ask(ctx, "jane@example.org", "Jane Smith")
    confirm(ctx, joining.token(ctx))
    release_due(ctx)
    two = token_of(ctx, letters(ctx)[-1])
    with ctx.db.read() as tx:
        assert meant(ctx, tx, one) != meant(ctx, tx, two)
        assert meant(ctx, tx, one, two) == ""
        assert meant(ctx, tx, one, one) == meant(ctx, tx, one)


def test_no_secret_is_kept_and_after_its_time_nothing_is_C5(ctx: Context, clock: MovableClock) -> None:
    token = token_of(ctx, asked(ctx))
    with ctx.db.read() as tx:
        rows = tx.execute(sa.select(AwaitedReply.__table__)).all()
        assert not any(isinstance(value, str | bytes) for row in rows for value in row)
    clock.forward(answers.KEPT + timedelta(seconds=1))
    with ctx.db.read() as tx:
        assert meant(ctx, tx, token) == ""
    answers.tidy(ctx)
    with ctx.db.read() as tx:
        assert tx.execute(sa.select(AwaitedReply.__table__)).all() == []


def test_reply_token_of_a_rotated_key_still_counts_C11(ctx: Context) -> None:
    token = token_of(ctx, asked(ctx))
    new = replace(ctx, keyring=Keyring(bytes(32), ctx.keyring.erasure, (ctx.keyring.tokens,)))
    with new.db.read() as tx:
        assert read(meant(new, tx, token), Purpose.DECIDE, (bytes(32),)) is not None


def test_several_confirmations_of_one_mailing_each_mean_their_own_request(context: Context) -> None:
    society.found(context)
    ctx = with_bounces(context, BounceStyle.PLUS)
    for number in range(5):
        joining.ask(ctx, f"reader{number}@example.org", f"Reader Number{number}")
    wanted = {row["address"]: row["facts"]["confirm_url"].rpartition("/")[2] for row in joining.waiting(ctx)}
    release_due(ctx)
    with ctx.db.read() as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(Mailing)) == 1
        for row in tx.execute(sa.select(Delivery.id, Delivery.address)).all():
            compiled = Compiled.load(mailings.compiled(tx, 1))
            data = decode(tx.scalar(sa.select(Delivery.data).where(Delivery.id == row.id)) or "")
            letter = Merger(compiled, ctx.keyring).compose(Recipient(row.id, 0, 1, row.address, row.address, data))
            token = token_of(ctx, letter.data.decode("ascii"))
            assert meant(ctx, tx, token, sender="") == wanted[row.address]
