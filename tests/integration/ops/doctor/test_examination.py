"""The whole page, on both databases: everything in order, everything away, and nothing changed by looking."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, func, insert, select, update

from balintmail.config import Bounces, Relay, Security, Settings
from balintmail.db import health, meta
from balintmail.db.models import Address, AuditEvent, Base, Meta, Officer, Person, PersonAddress
from balintmail.domain.states import AddressHealth, Role
from balintmail.ops.doctor.dial import Heard, call_all
from balintmail.ops.doctor.examination import Means, Page, examine, is_ok
from balintmail.ops.doctor.finding import Subject
from balintmail.ops.lookup import DnsLookup, LookupFailed, NoLookup
from balintmail.sending.connect import RelayTarget
from balintmail.services.context import Context
from balintmail.services.lock import dispatch_lock
from tests.conftest import MovableClock
from tests.relay import Manners, RelayThread
from tests.relay.faults import stalls
from tests.support.dns import Server

OURS = "balint.example.org"
IN_ORDER = (
    *("sending", "cron", "waiting", "disk", "backup"),
    *("spf_record", "spf_lookups", "spf_relay", "dmarc_record", "dmarc_reports", "dmarc_spf_aligned", "bounces", "ptr"),
    *("relay", "relay_offer", "rule_spf", "rule_dmarc", "rule_alignment", "rule_one_click", "rule_ptr"),
)


@pytest.fixture
def society(context: Context, settings: Settings) -> Context:
    """An instance with a Secretary, a list, and a relay."""
    now = context.clock.now()
    with context.db.write() as tx:
        person = tx.execute(
            insert(Person).values(name="Rose Ormond", joined_at=now, updated_at=now).returning(Person.id)
        ).scalar_one()
        at = {"email": f"secretary@{OURS}", "envelope": f"secretary@{OURS}", "key": f"secretary@{OURS}"}
        address = tx.execute(
            insert(Address).values(**at, domain=OURS, created_at=now).returning(Address.id)
        ).scalar_one()
        tx.execute(insert(PersonAddress).values(person_id=person, address_id=address))
        tx.execute(insert(Officer).values(person_id=person, role=Role.SECRETARY, since=now))
        tx.execute(
            insert(Base.metadata.tables["lists"]).values(
                slug="newsletter", name="Newsletter", list_id=f"newsletter.{OURS}", created_at=now
            )
        )
    relays = {"main": Relay(host="relay.example.net", security=Security.NONE)}
    return replace(context, settings=settings.model_copy(update={"relays": relays, "bounces": Bounces()}))


def publish(server: Server) -> None:
    server.put(OURS, "v=spf1 a:relay.example.net -all")
    server.add(OURS, "MX", f"10 mx.{OURS}.")
    server.add(OURS, "A", "192.0.2.9")
    server.put(f"_dmarc.{OURS}", f"v=DMARC1; p=quarantine; np=reject; rua=mailto:reports@{OURS}")
    server.add("relay.example.net", "A", "8.8.8.8")
    server.add("8.8.8.8.in-addr.arpa", "PTR", "relay.example.net.")


def codes(page: Page) -> dict[str, str]:
    return {one.code: one.level.value for found in page.values() for one in found}


def target(port: int, host: str = "127.0.0.1") -> RelayTarget:
    return RelayTarget("main", host, port=port, security=Security.NONE)


def kept() -> bool:
    return True


def rows(ctx: Context) -> dict[str, int]:
    with ctx.db.read() as tx:
        return {
            name: tx.scalar(select(func.count()).select_from(table)) or 0
            for name, table in Base.metadata.tables.items()
        }


def test_page_of_an_instance_in_order(society: Context, server: Server, lookup: DnsLookup) -> None:
    publish(server)
    dispatch_lock(society).beat(society.clock.now())
    with society.db.write() as tx:
        meta.put(tx, meta.LAST_BACKUP, society.clock.now().isoformat())
    before = rows(society)
    with RelayThread(Manners(size=50_000_000, extensions=("DSN",))) as relay:

        def call(_: Sequence[RelayTarget], seconds: float) -> list[Heard]:
            (heard,) = call_all([target(relay.port)], seconds)
            return [replace(heard, target=target(25, "relay.example.net"))]

        means = Means(lookup, call, kept, 10)
        page = examine(society, [target(25, "relay.example.net")], means)
        assert relay.accepted == []
    found = codes(page)
    for code in IN_ORDER:
        assert found[code] == "good", code
    assert found["dkim_unsigned"] == "warn"
    assert found["clock"] == ("good" if society.db.is_sqlite else "warn")  # the tests' clock stands still, its does not
    assert is_ok(page) is (found["durability"] == "good")  # the tests' PostgreSQL runs without fsync, and is found out
    assert (found["durability"] == "good") is society.db.is_sqlite
    assert rows(society) == before


def test_page_names_no_persons_address(society: Context, server: Server, lookup: DnsLookup) -> None:
    with RelayThread(Manners(), stalls("greeting")) as relay:
        page = examine(society, [target(relay.port)], Means(lookup, clock_is_kept=kept, seconds=1))
    for found in page.values():
        for one in found:
            assert "secretary@" not in one.message + one.hint


def test_nothing_answers_and_the_page_comes_in_time(society: Context, server: Server) -> None:
    ends_at = time.monotonic() + 2
    server.silent = {OURS, f"_dmarc.{OURS}", "relay.example.net"}
    lookup = DnsLookup("127.0.0.1", server.port, seconds=1, left=lambda: ends_at - time.monotonic())
    with RelayThread(Manners(), stalls("greeting")) as relay:
        begun = time.monotonic()
        page = examine(society, [target(relay.port)], Means(lookup, clock_is_kept=kept, seconds=2))
        assert time.monotonic() - begun < 5
    found = codes(page)
    for code in ("spf_unknown", "dmarc_unknown", "bounces_unknown", "relay_unknown"):
        assert found[code] == "warn", code
    for code in ("rule_spf_unknown", "rule_dmarc_unknown", "rule_alignment_unknown"):
        assert found[code] == "note", code
    assert not any(one.level.value == "stop" for one in page[Subject.NAMES])


def test_job_that_does_not_end_is_not_waited_for(society: Context, lookup: DnsLookup) -> None:
    def call(_: Sequence[RelayTarget], seconds: float) -> list[Heard]:
        time.sleep(2)
        return []

    begun = time.monotonic()
    page = examine(society, [target(1)], Means(lookup, call, kept, 0.5))
    assert time.monotonic() - begun < 1.8
    assert next(one.code for one in page[Subject.RELAY]) == "late"


def test_machine_without_a_name_server_still_gets_its_page(society: Context) -> None:
    lookup = NoLookup(LookupFailed("This machine has no name server to ask."))
    page = examine(society, [target(1)], Means(lookup, clock_is_kept=kept, seconds=3))
    found = codes(page)
    assert found["spf_unknown"] == "warn"
    assert any("no name server" in one.message for one in page[Subject.NAMES])
    assert found["relay"] == "stop"


def test_outbox_softens_what_is_wrong_with_the_names(society: Context, server: Server, lookup: DnsLookup) -> None:
    server.put(OURS, "v=spf1 +all")
    settings = society.settings.model_copy(update={"relays": {}})
    page = examine(replace(society, settings=settings), [], Means(lookup, clock_is_kept=kept, seconds=5))
    found = codes(page)
    assert (found["spf_all"], found["relay_none"]) == ("warn", "note")
    page = examine(society, [], Means(DnsLookup("127.0.0.1", server.port), clock_is_kept=kept, seconds=5))
    assert (codes(page)["spf_all"], codes(page)["relay_none"]) == ("stop", "stop")


@pytest.mark.parametrize(
    ("change", "code", "level"),
    [
        (lambda tx: meta.put(tx, meta.SENDING_BLOCKED, "it was restored"), "sending_blocked", "stop"),
        (lambda tx: tx.execute(delete(Officer)), "secretary", "stop"),
        (lambda tx: tx.execute(update(Address).values(health=AddressHealth.BOUNCED)), "officer_unreached", "stop"),
        (lambda tx: meta.put(tx, "last_run_at", "2026-11-22T18:04:00+00:00"), "clock", "stop"),
    ],
)
def test_what_the_database_knows_is_on_the_page(
    society: Context, lookup: DnsLookup, change: Callable[..., object], code: str, level: str
) -> None:
    with society.db.write() as tx:
        change(tx)
    page = examine(society, [], Means(lookup, clock_is_kept=kept, seconds=5))
    assert codes(page)[code] == level


def test_beat_of_cron_grows_old(society: Context, lookup: DnsLookup, clock: MovableClock) -> None:
    def cron() -> str:
        return codes(examine(society, [], Means(lookup, clock_is_kept=kept, seconds=5)))["cron"]

    assert cron() == "warn"
    dispatch_lock(society).beat(clock.now())
    assert cron() == "good"
    clock.forward(timedelta(minutes=6))
    assert cron() == "warn"


def test_readers_are_counted_by_provider_S19(society: Context, clock: MovableClock) -> None:
    domains = ["gmail.com", "googlemail.com", "yahoo.co.uk", "outlook.com", "notgmail.com", "gmail.com.example.org"]
    with society.db.write() as tx:
        for number, domain in enumerate(domains):
            at = f"reader{number}@{domain}"
            values = {"email": at, "envelope": at, "key": at, "domain": domain, "created_at": clock.now()}
            tx.execute(insert(Address).values(**values))
    with society.db.read() as tx:
        assert health.addresses_at(tx, ("gmail.com", "googlemail.com")) == 2
        assert health.addresses_at(tx, ("yahoo.%",)) == 1


def test_database_tells_its_settings_and_its_clock(context: Context) -> None:
    with context.db.read() as tx:
        found, clock = health.durability(tx), health.clock(tx)
    if context.db.is_sqlite:
        assert found.settings == {"journal_mode": "wal", "synchronous": "full"}
        assert clock is None
    else:
        assert (found.settings["synchronous_commit"], found.settings["fsync"]) == ("on", "off")
        assert clock is not None
        assert clock.tzinfo is not None


def test_nothing_of_the_page_is_written_down(society: Context, lookup: DnsLookup, tmp_path: Path) -> None:
    before = sorted(path.name for path in society.folder.iterdir())
    examine(society, [], Means(lookup, clock_is_kept=kept, seconds=5))
    assert sorted(path.name for path in society.folder.iterdir()) == before
    with society.db.read() as tx:
        assert tx.scalar(select(func.count()).select_from(AuditEvent)) == 0
        assert tx.scalar(select(func.count()).select_from(Meta)) is not None
