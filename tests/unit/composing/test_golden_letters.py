"""Whole letters against files that were looked at: any change of a template shows as a difference to be read.

After a change that is meant: BALINTMAIL_GOLDEN=write pytest tests/unit/composing/test_golden_letters.py, look at the
difference (docs/templates.md says how to see it in a browser), and commit it with the template.
"""

import os
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from balintmail.composing.compile import compile_letter
from balintmail.composing.letter import parse_letter
from balintmail.composing.merge import Merger
from balintmail.composing.surroundings import ListFacts, Surroundings
from balintmail.domain.keys import Keyring
from balintmail.domain.recipient import PersonData, Recipient
from balintmail.domain.states import MailingKind
from balintmail.resources import templates_folder

GOLDEN = Path(__file__).parents[2] / "golden" / "letters"
KEYRING = Keyring(tokens=bytes(range(32)), erasure=bytes(range(32, 64)))
MEMBER = Recipient(7, 3, 1, "maria@example.org", "maria@example.org", PersonData("Mária", "Mária", "en", True))
GUEST = Recipient(8, 4, 1, "tom@example.net", "tom@example.net", PersonData("Tom <Whitcombe>", "", "en", False))
HUNGARIAN = ListFacts(id=1, slug="n", name="Hírlevél", list_id="n.example.org", language="hu")
LETTER = """---
title: "Groups this winter"
number: 84
---

Dear {{ person.first_name | default("reader") }},

Three new groups begin in January, and the [spring weekend](https://balint.example.org/oxford) has found its house.

## Meetings

| When   | What            |
|--------|-----------------|
| 14 May | Case discussion |
{% if person.member %}
| 15 May | Members' supper |
{% endif %}

[Book the weekend](https://balint.example.org/book){.button}

> By far the most frequently used drug was the doctor himself.[^1]
>
> {.by}
> Michael Balint, 1957

{% if person.member %}
The Journal was posted on 14 September.
{% else %}
Members get the Journal.
{% endif %}

- one
- two

Term
:   Its meaning

[^1]: The opening pages.
"""


def surroundings(**changed: object) -> Surroundings:
    known: dict[str, object] = {
        "society": "The Example Balint Society",
        "url": "https://balint.example.org",
        "postal_address": "1 Example Street, London N1 1AA",
        "from_address": "secretary@example.org",
        "bounce_address": "bounces@example.org",
        "owner_address": "secretary@example.org",
        "date": datetime(2026, 11, 21, 18, 4, tzinfo=UTC),
        "zone": ZoneInfo("Europe/London"),
        "templates": (templates_folder(),),
        "key_id": KEYRING.token_id,
        "list": ListFacts(
            id=1,
            slug="newsletter",
            name="Newsletter",
            list_id="newsletter.example.org",
            purpose="News, ten times a year.",
        ),
    }
    return Surroundings(**(known | changed))  # type: ignore[arg-type]


def newsletter(**changed: object) -> Merger:
    letter = parse_letter(LETTER, Path(), "newsletter.md")
    return Merger(compile_letter(letter, surroundings(**changed)), KEYRING)


@pytest.mark.parametrize(
    ("name", "merger", "person"),
    [
        ("newsletter-member", newsletter(), MEMBER),
        ("newsletter-guest", newsletter(), GUEST),
        ("newsletter-no-web", newsletter(url=""), GUEST),
        ("newsletter-hungarian", newsletter(list=HUNGARIAN), MEMBER),
        ("newsletter-test", newsletter(kind=MailingKind.TEST), GUEST),
    ],
)
@pytest.mark.parametrize("part", ["html", "txt"])
def test_letter_is_as_it_was_looked_at(name: str, merger: Merger, person: Recipient, part: str) -> None:
    rendered = merger.html(person) if part == "html" else merger.text(person)
    file = GOLDEN / f"{name}.{part}"
    if os.environ.get("BALINTMAIL_GOLDEN") == "write":
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(rendered, "utf-8")
    assert rendered == file.read_text("utf-8")
