"""Keys are made, put in force, replaced and let go without a gap: a mailing keeps the keys it froze (S48)."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from balintmail.config import Dkim
from balintmail.db.models import AuditEvent, Mailing
from balintmail.domain.dkim import RELAYS_KEEP_TRYING, Algorithm
from balintmail.domain.states import MailingState
from balintmail.errors import Conflict, NotFound, UsageRefused
from balintmail.sending.dkim_keys import KeyRefused
from balintmail.services import dkim
from balintmail.services.context import Context
from tests.conftest import MovableClock
from tests.support.letters_to_sign import MESSAGE, Published, verifies
from tests.support.mailings_to_sign import a_mailing
from tests.support.register import a_list, a_secretary

BOTH = list(Algorithm)


def in_force(ctx: Context, *selectors: str, domain: str = "example.org") -> Context:
    """Return the context of an instance whose settings name these keys."""
    rsa, ed25519 = (*selectors, "")[:2]
    found = Dkim(domain=domain, rsa=rsa, ed25519=ed25519)
    return replace(ctx, settings=ctx.settings.model_copy(update={"dkim": found}))


def finish(ctx: Context, mailing: int) -> None:
    with ctx.db.write() as tx:
        values = {"state": MailingState.SENT, "finished_at": ctx.clock.now()}
        tx.execute(sa.update(Mailing).where(Mailing.id == mailing).values(**values))


def start(ctx: Context) -> int:
    with ctx.db.write() as tx:
        mailing = a_mailing(tx, created_at=ctx.clock.now(), frozen_at=ctx.clock.now())
        dkim.freeze(ctx, tx, mailing)
    return mailing


def signed(ctx: Context, mailing: int) -> bytes:
    with ctx.db.read() as tx:
        signer = dkim.signer_of(ctx, tx, mailing)
    assert signer is not None
    return signer.sign(MESSAGE) + MESSAGE


def by_selector(ctx: Context) -> dict[str, dkim.KeyView]:
    return {view.selector: view for view in dkim.keys(ctx)}


def published(*views: dkim.KeyView) -> Published:
    return Published(*(view.key for view in views if view.key))


def test_rotation_leaves_no_gap_S48(context: Context, clock: MovableClock) -> None:
    old = dkim.new_keys(context, BOTH, domain="example.org")
    before = in_force(context, "s2026a", "e2026a")
    mailing = start(before)
    first = signed(before, mailing)

    clock.forward(timedelta(hours=1))
    new = dkim.new_keys(before, BOTH)
    assert [view.selector for view in new] == ["s2026b", "e2026b"]
    assert signed(before, mailing) == first, "making the next pair changes nothing"

    after = in_force(context, "s2026b", "e2026b")
    clock.forward(timedelta(days=1))
    retried = signed(after, mailing)
    assert retried == first, "a retry after the rotation is equal bytes (P6)"
    fresh = signed(after, start(after))
    for moment in (first, retried, fresh):
        assert verifies(moment, published(*old, *new)) == [True, True]
    assert b"s=s2026b;" in fresh
    assert b"s=s2026a;" in retried
    assert verifies(fresh, published(*old)) == [False, False]

    # The old pair is needed while the mailing runs, and while a relay may still be trying; then it may go.
    assert by_selector(after)["s2026a"].need.open_mailings == 1
    finish(after, mailing)
    need = by_selector(after)["e2026a"].need
    assert need.until == clock.now() + RELAYS_KEEP_TRYING
    assert not need.is_over(clock.now() + RELAYS_KEEP_TRYING - timedelta(seconds=1))
    assert need.is_over(clock.now() + RELAYS_KEEP_TRYING)
    assert not by_selector(after)["s2026b"].need.is_over(clock.now() + timedelta(days=999))


def test_keys_stand_in_force_first_then_old_then_waiting(context: Context, clock: MovableClock) -> None:
    dkim.new_keys(context, BOTH, domain="example.org")
    mailing = start(in_force(context, "s2026a", "e2026a"))
    for _ in range(2):
        clock.forward(timedelta(days=1))
        dkim.new_keys(context, BOTH, domain="example.org")
    ctx = in_force(context, "s2026b", "e2026b")
    assert [view.selector for view in dkim.keys(ctx)] == ["s2026b", "e2026b", "s2026a", "e2026a", "s2026c", "e2026c"]
    assert [view.is_waiting for view in dkim.keys(ctx)] == [False] * 4 + [True] * 2
    finish(ctx, mailing)
    assert [view.selector for view in dkim.keys(ctx, ["e2026a"])] == ["e2026a"]
    with pytest.raises(NotFound):
        dkim.keys(ctx, ["s1999a"])


def test_selector_of_a_key_whose_file_is_gone_is_not_taken_again(context: Context) -> None:
    dkim.new_keys(context, BOTH, domain="example.org")
    start(in_force(context, "s2026a", "e2026a"))
    for path in (context.folder / "dkim").iterdir():
        path.unlink()
    assert [view.selector for view in dkim.new_keys(context, BOTH, domain="example.org")] == ["s2026b", "e2026b"]
    with pytest.raises(Conflict):
        dkim.new_keys(context, [Algorithm.RSA], domain="example.org", name="s2026a")


def test_unsigned_mailing_stays_unsigned_when_keys_come(context: Context) -> None:
    mailing = start(context)
    dkim.new_keys(context, BOTH, domain="example.org")
    with context.db.read() as tx:
        assert dkim.signer_of(in_force(context, "s2026a"), tx, mailing) is None


def test_freezing_with_a_missing_key_says_so_and_changes_nothing(context: Context) -> None:
    ctx = in_force(context, "s2026a")
    with pytest.raises(KeyRefused) as caught:
        start(ctx)
    assert caught.value.selector == "s2026a"
    with context.db.read() as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(Mailing)) == 0
    (view,) = dkim.keys(ctx)
    assert (view.key, view.need.in_force) == (None, True)
    assert view.refused is not None


def test_key_that_became_readable_is_refused_when_signing(context: Context) -> None:
    dkim.new_keys(context, [Algorithm.RSA], domain="example.org")
    ctx = in_force(context, "s2026a")
    mailing = start(ctx)
    (context.folder / "dkim" / "s2026a.pem").chmod(0o644)
    with pytest.raises(KeyRefused), ctx.db.read() as tx:
        dkim.signer_of(ctx, tx, mailing)


def test_key_used_under_two_domains_has_two_records(context: Context) -> None:
    dkim.new_keys(context, [Algorithm.RSA], domain="example.org")
    start(in_force(context, "s2026a"))
    ctx = in_force(context, "s2026a", domain="example.net")
    names = [view.record.name for view in dkim.keys(ctx) if view.record]
    assert names == ["s2026a._domainkey.example.net", "s2026a._domainkey.example.org"]


def test_new_keys_are_named_and_recorded(context: Context) -> None:
    ctx = replace(context, actor="Rose")
    assert [view.selector for view in dkim.new_keys(ctx, BOTH, domain="Example.ORG", name="blue")] == [
        "blue-rsa",
        "blue-ed25519",
    ]
    assert [
        view.domain for view in dkim.new_keys(ctx, [Algorithm.ED25519], domain="példa.example.org", name="green")
    ] == ["xn--plda-bpa.example.org"]
    with ctx.db.read() as tx:
        acts = [tuple(row) for row in tx.execute(sa.select(AuditEvent.action, AuditEvent.actor, AuditEvent.detail))]
    assert ("dkim_new", "Rose", {"domain": "example.org", "selectors": ["blue-rsa", "blue-ed25519"]}) in acts


def test_what_can_be_no_key_is_refused(context: Context) -> None:
    with pytest.raises(NotFound):
        dkim.new_keys(context, BOTH)
    for domain, name in (("no domain", ""), ("example.org", "../x"), ("example.org", "Ünder"), ("example", "")):
        with pytest.raises(UsageRefused):
            dkim.new_keys(context, BOTH, domain=domain, name=name)
    assert not (context.folder / "dkim").exists()


def test_private_keys_are_nowhere_in_the_database(context: Context, tmp_path: Path) -> None:
    dkim.new_keys(context, BOTH, domain="example.org")
    start(in_force(context, "s2026a", "e2026a"))
    secrets = [path.read_text("ascii").split("-----")[2].split()[0] for path in (tmp_path / "dkim").iterdir()]
    assert len(secrets) == 2
    with context.db.read() as tx:
        for table in sa.inspect(tx).get_table_names():
            held = str(tx.execute(sa.text(f'SELECT * FROM "{table}"')).all())
            assert not any(secret in held for secret in secrets)


def test_from_domains_are_those_of_the_lists(context: Context) -> None:
    assert dkim.from_domains(context) == []
    with context.db.write() as tx:
        a_secretary(tx, "secretary@balint.example.org")
        a_list(tx)
        a_list(tx, "journal", from_address="journal@példa.example.org")
        a_list(tx, "old", from_address="old@example.net", archived_at=context.clock.now())
    assert dkim.from_domains(context) == ["balint.example.org", "xn--plda-bpa.example.org"]
