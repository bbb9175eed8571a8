"""The system mails about memberships: reminders of dues, and the round of details; part of domain/notices.py."""

from collections.abc import Mapping
from datetime import date

from balintmail.domain.facts import NoticeKind
from balintmail.domain.money import Money

MEMBERS: Mapping[str, NoticeKind] = {
    # To a member: dues are owed, or soon will be. `amount` is what is left to a year's fee, `days` how many days there
    # are to or since `paid_until`. `about` is "soon", "today", "late", "lapsed" after the grace, or "first" where
    # nothing was ever paid. `pay_to` is [members] pay_to, or "".
    "dues_reminder": NoticeKind(
        facts={
            "kind": "Full member",
            "amount": Money(3000, "GBP"),
            "reference": "M0012N",
            "paid_until": date(2026, 12, 31),
            "about": "soon",
            "days": 30,
            "grace_until": date(2027, 3, 31),
            "pay_to": "Balint Society, sort code 12-34-56, account 12345678",
        }
    ),
    # To everybody with a membership, once a year: is what we hold of you still right? `reminds` in the second letter.
    "details_round": NoticeKind(
        facts={"link_url": "https://balint.example.org/manage/abc", "until": date(2027, 3, 15), "reminds": False}
    ),
}
