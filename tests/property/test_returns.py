"""What holds of returns whatever comes and in whatever order: their order changes nothing, a refusal by a rule never
counts, and what carries no token of ours changes nothing at all.
"""

from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from balintmail.config import Bounces, Settings
from balintmail.db.models import Address, Delivery, Subscription, Suppression
from balintmail.db.session import Database
from balintmail.domain import health
from balintmail.domain.health import Change, Failure, Known, Naming, Rules
from balintmail.domain.returns import Judged, Reason, Sentence
from balintmail.domain.states import AddressHealth
from balintmail.services.context import Context
from tests.support.coming_back import FULL, NO_USER, SPAM, Post
from tests.support.register import KEYRING

NOW = datetime(2026, 11, 21, 18, 4, tzinfo=UTC)
RULES = Rules()
WEIGHTS = st.sampled_from([health.SOFT, health.OUT_OF_USE, health.GONE])
MOMENTS = st.integers(0, 200 * 24).map(lambda hours: NOW - timedelta(hours=hours))
FAILURES = st.lists(
    st.builds(Failure, MOMENTS, st.integers(1, 6), MOMENTS, WEIGHTS, st.sampled_from(list(Reason))), max_size=12
)
KNOWN = st.builds(
    Known,
    st.sampled_from(list(AddressHealth)),
    st.none() | MOMENTS,
    st.none() | st.integers(-50, 50).map(lambda hours: NOW + timedelta(days=hours)),
)


@given(FAILURES, KNOWN, st.randoms(use_true_random=False))
def test_find_is_the_same_in_whatever_order_the_reports_came(
    failures: list[Failure], known: Known, random: Any
) -> None:
    shuffled = [*failures]
    random.shuffle(shuffled)
    assert health.find(shuffled, known, RULES, now=NOW) == health.find(failures, known, RULES, now=NOW)


@given(FAILURES, KNOWN)
def test_find_takes_no_notice_of_a_report_that_is_repeated_H21(failures: list[Failure], known: Known) -> None:
    assert health.find([*failures, *failures], known, RULES, now=NOW) == health.find(failures, known, RULES, now=NOW)


@given(FAILURES)
def test_score_is_at_most_one_letters_a_day(failures: list[Failure]) -> None:
    total = health.score(failures)
    assert total <= health.GONE * len({one.at.date() for one in failures})
    assert bool(total) == bool(failures)


@given(st.lists(st.tuples(MOMENTS, st.integers(1, 6)), max_size=12))
def test_passing_failures_alone_never_end_an_address_S36(said: list[tuple[datetime, int]]) -> None:
    failures = [Failure(at, letter, at, health.OUT_OF_USE, Reason.MAILBOX_FULL) for at, letter in said]
    for known in (Known(), Known(AddressHealth.BOUNCED)):
        assert health.find(failures, known, RULES, now=NOW).change is not Change.END


@given(
    st.sampled_from(list(Sentence)), st.sampled_from(list(Reason)), st.sampled_from(list(Naming)), st.integers(0, 90)
)
def test_weight_of_a_rule_a_delay_and_an_old_letter_is_nothing(
    sentence: Sentence, reason: Reason, naming: Naming, age: int
) -> None:
    found = health.weight(Judged(sentence, reason, ""), naming, after=timedelta(days=age))
    counts = sentence in {Sentence.HARD, Sentence.SOFT} and timedelta(days=age) <= health.LATEST_REPORT
    assert bool(found) == counts
    assert (found >= health.GONE) == (counts and sentence is Sentence.HARD and naming is Naming.THE_READER)


# The same of the whole way, from the raw message to the tables.
READERS = ("maria@example.org", "jane@example.net")
# (which reader's letter, which of their two letters, what comes back, whom it names, so many days ago)
EVENT = st.tuples(
    st.integers(0, 1),
    st.integers(0, 1),
    st.sampled_from(["full", "gone", "spam", "delayed", "complaint", "nothing"]),
    st.integers(0, 1),
    st.integers(0, 3),
)


@pytest.fixture(scope="module")
def template(migrated_sqlite: Path) -> Path:
    return migrated_sqlite


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking takes minutes and makes these no shorter
)
@given(events=st.lists(EVENT, min_size=1, max_size=7), random=st.randoms(use_true_random=False))
def test_order_of_messages_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, template: Path, events: list[tuple[Any, ...]], random: Any
) -> None:
    first = society(template, tmp_path_factory.mktemp("first"))
    arrive(first, events)
    shuffled = [*events]
    random.shuffle(shuffled)
    second = society(template, tmp_path_factory.mktemp("second"))
    arrive(second, [*shuffled, *shuffled])
    assert standing(first) == standing(second)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(EVENT, min_size=1, max_size=7))
def test_forged_messages_and_refusals_by_a_rule_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, template: Path, events: list[tuple[Any, ...]]
) -> None:
    post = society(template, tmp_path_factory.mktemp("forged"))
    before = standing(post)
    for event in events:
        forged = post.token(delivery_of(event))[:-3] + "abc"
        post.comes(raw(post, event, token=forged))
    assert standing(post) == before


def society(template: Path, folder: Path) -> Post:
    """Return two readers with two letters each."""
    file = folder / "balintmail.db"
    file.write_bytes(template.read_bytes())
    database = Database(Database.parse(f"sqlite:///{file}"))
    clock: Any = SimpleNamespace(now=lambda: NOW, monotonic=lambda: 0.0)
    bounces = Settings(bounces=Bounces(threshold=3))
    post = Post.of(Context(database, clock, KEYRING, bounces, "the Secretary", folder))
    for address in READERS:
        person = post.reader(address)
        for _ in range(2):
            post.sent(person, address)
    post._number = count(1)
    return post


def arrive(post: Post, events: list[tuple[Any, ...]]) -> None:
    for event in events:
        post.comes(raw(post, event), at=NOW - timedelta(days=event[4]))


def delivery_of(event: tuple[Any, ...]) -> int:
    number: int = 1 + event[0] * 2 + event[1]
    return number


def raw(post: Post, event: tuple[Any, ...], token: str | None = None) -> bytes:
    _, _, what, named, _ = event
    delivery, to = delivery_of(event), READERS[named]
    if what == "complaint":
        return post.arf(delivery, to, message_id=token is None)
    words = {"full": FULL, "gone": NO_USER, "spam": SPAM}.get(what, FULL)
    action = "delayed" if what == "delayed" else "failed"
    return post.dsn(delivery, "" if what == "nothing" else to, words, action=action, token=token)


def standing(post: Post) -> list[Any]:
    """Return all that reports may change, apart from the reports themselves."""
    wanted = [
        sa.select(Address.key, Address.health, Address.trouble, Address.probe_at, Address.bounced_at),
        sa.select(Suppression.address_key, Suppression.reason),
        sa.select(Subscription.person_id, Subscription.list_id, Subscription.state),
        sa.select(Delivery.id, Delivery.state, Delivery.bounced_at, Delivery.complained_at),
    ]
    with post.ctx.db.read() as tx:
        return [sorted(map(tuple, tx.execute(query).all()), key=str) for query in wanted]
