"""Measure composing: 10,000 personalised messages of 12 KB, beside `email.message` once per person.

Both sides write the same letter to the same people: HTML and text, five merge fields, one condition, the same header
fields. The yardstick is what people write: two Jinja templates compiled once and rendered per person, EmailMessage
with set_content and add_alternative, policy SMTP, as_bytes. Sides take turns, so that a busy machine slows both
alike. Run by `make bench-compose`; the yardstick is measured on fewer messages because it takes milliseconds each.
"""

import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment

from balintmail.composing.compile import compile_letter
from balintmail.composing.compiled import Compiled
from balintmail.composing.letter import parse_letter
from balintmail.composing.merge import Merger
from balintmail.composing.surroundings import ListFacts, Surroundings
from balintmail.config import BounceStyle
from balintmail.domain import tokens
from balintmail.domain.keys import Keyring
from balintmail.domain.recipient import PersonData, Recipient
from balintmail.domain.tokens import Purpose, TokenClaims
from balintmail.resources import templates_folder

MESSAGES = 10_000
BASELINE = 500  # messages of the yardstick in each round
ROUNDS = 5
GOAL = 30  # times faster than the yardstick
RESULTS = Path(__file__).parent / "results" / "compose.json"
LIST_ID = "newsletter.balint.example.org"
SECRETARY = "secretary@balint.example.org"
KEYS = Keyring(bytes(range(32)), bytes(range(32, 64)))
SAID_TO_MEMBERS, SAID_TO_OTHERS = "September-for-members.", "September-for-pounds."  # no line wraps in these
PARAGRAPH = (
    "Three new groups begin in January, and the spring weekend has found its house. The group leaders' workshop is "
    "full, but there is a waiting list, and it moved quickly last year. Below you will also find what a group made of "
    "a patient who always apologised, and ten books for the dark evenings.\n\n"
)
LETTER = (
    "---\ntitle: Groups this winter\nnumber: 84\ndate: 2026-11-21\n---\nDear {{ person.first_name }},\n\n"
    f"{PARAGRAPH * 6}"
    "We have you down as {{ person.name }} of {{ person.town }}, group {{ person.group }}, reading in "
    "{{ person.language }}.\n\n"
    f"{{% if person.member %}}{SAID_TO_MEMBERS}{{% else %}}{SAID_TO_OTHERS}{{% endif %}} Until soon.\n\n"
    f"{PARAGRAPH * 6}"
)
# A small layout, so that the message has the 12 KB that the comparison is about.
LAYOUT_MJML = (
    "<mjml><mj-body><mj-section><mj-column><mj-text>{{ slot_body }}</mj-text>"
    '<mj-text><a href="{{ leave_url }}">Leave this list</a></mj-text></mj-column></mj-section></mj-body></mjml>'
)
LAYOUT_TXT = "{{ body }}\n\nLeave this list: {{ leave_url }}\n"
NAMES = (("Bálint Mihály", "Mihály"), ("Siobhan O'Neill-Smith", "Siobhan"), ("Hana Grey", "Hana"), ("李 明", "明"))


def main() -> int:
    """Measure, print the table, write the results; return 1 when the goal is missed."""
    with tempfile.TemporaryDirectory() as folder:
        merger = _merger(Path(folder))
    people = [_person(number) for number in range(MESSAGES)]
    yardstick = _yardstick(merger, people[0])
    first, second = merger.compose(people[0]).data, yardstick(people[0])
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(ROUNDS):
        ours.append(_microseconds(lambda person: merger.compose(person).data, people))
        theirs.append(_microseconds(yardstick, people[:BASELINE]))
    fast, slow = statistics.median(ours), statistics.median(theirs)
    print(f"composing {MESSAGES:,} personalised messages, median of {ROUNDS} rounds")
    print(f"  balintmail      {fast:9.1f} µs each   {1e6 / fast:9,.0f} a second   {len(first):,} bytes")
    print(f"  email.message   {slow:9.1f} µs each   {1e6 / slow:9,.0f} a second   {len(second):,} bytes")
    print(f"  {slow / fast:.0f} times faster; the goal is {GOAL}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(_results(fast, slow, len(first), len(second)), indent=2) + "\n", "utf-8")
    return 0 if slow / fast >= GOAL else 1


def _results(fast: float, slow: float, size: int, yardstick_size: int) -> dict[str, object]:
    return {
        "messages": MESSAGES,
        "rounds": ROUNDS,
        "microseconds_each": round(fast, 1),
        "email_message_microseconds_each": round(slow, 1),
        "ratio": round(slow / fast, 1),
        "goal": GOAL,
        "bytes": size,
        "email_message_bytes": yardstick_size,
        "python": platform.python_version(),
    }


def _microseconds(compose: Callable[[Recipient], bytes], people: list[Recipient]) -> float:
    begun = time.perf_counter()
    for person in people:
        compose(person)
    return (time.perf_counter() - begun) / len(people) * 1e6


def _person(number: int) -> Recipient:
    name, first_name = NAMES[number % len(NAMES)]
    address = f"reader{number}@example.org"
    fields = {"town": "Győr" if number % 5 else "Leeds", "group": f"G{number % 40}"}
    data = PersonData(name, first_name, "hu" if number % 3 else "en", bool(number % 2), fields)
    return Recipient(number + 1, number + 1, 1, address, address, data)


def _merger(folder: Path) -> Merger:
    layout = folder / "emails" / "newsletter"
    layout.mkdir(parents=True)
    (layout / "layout.mjml").write_text(LAYOUT_MJML, "utf-8")
    (layout / "layout.txt").write_text(LAYOUT_TXT, "utf-8")
    around = Surroundings(
        society="The Example Balint Society",
        from_address=SECRETARY,
        bounce_address="bounces@balint.example.org",
        bounce_style=BounceStyle.PLUS,
        owner_address=SECRETARY,
        date=datetime(2026, 11, 21, 18, 4, tzinfo=UTC),
        zone=ZoneInfo("Europe/London"),
        templates=(folder, templates_folder()),
        key_id=KEYS.token_id,
        list=ListFacts(id=1, slug="newsletter", name="Newsletter", list_id=LIST_ID),
        url="https://balint.example.org",
        person_fields=frozenset({"town", "group"}),
    )
    compiled = compile_letter(parse_letter(LETTER, folder, "newsletter.md"), around)
    return Merger(Compiled.load(compiled.dump()), KEYS)


def _yardstick(merger: Merger, anybody: Recipient) -> Callable[[Recipient], bytes]:
    """Return what composes the same letter with email.message."""
    environment = Environment(autoescape=False)  # the values of the comparison need no escaping
    leave = f"leave/{tokens.make(TokenClaims(Purpose.LEAVE, anybody.person, 1, anybody.delivery), KEYS.tokens)}"
    stand_ins = {"name": "Qname", "first_name": "Qfirst", "language": "Qlanguage", "town": "Qtown", "group": "Qgroup"}
    fields = {"town": stand_ins["town"], "group": stand_ins["group"]}
    data = PersonData(stand_ins["name"], stand_ins["first_name"], stand_ins["language"], fields=fields)
    person = Recipient(anybody.delivery, anybody.person, 1, anybody.address, anybody.envelope, data)

    def template(rendered: str) -> str:
        for name, stand_in in stand_ins.items():
            rendered = rendered.replace(stand_in, f"{{{{ {name} }}}}")
        choice = f"{{% if member %}}{SAID_TO_MEMBERS}{{% else %}}{SAID_TO_OTHERS}{{% endif %}}"
        assert SAID_TO_OTHERS in rendered
        return rendered.replace(SAID_TO_OTHERS, choice).replace(leave, "leave/{{ leave }}")

    text = environment.from_string(template(merger.text(person)))
    html = environment.from_string(template(merger.html(person)))
    date = format_datetime(datetime(2026, 11, 21, 18, 4, tzinfo=UTC))

    def compose(recipient: Recipient) -> bytes:
        token = tokens.make(TokenClaims(Purpose.LEAVE, recipient.person, 1, recipient.delivery), KEYS.tokens)
        values = {
            "name": recipient.data.name,
            "first_name": recipient.data.first_name,
            "language": recipient.data.language,
            "member": recipient.data.member,
            "leave": token,
            **recipient.data.fields,
        }
        message = EmailMessage(policy=policy.SMTP)
        message["From"] = f"The Example Balint Society <{SECRETARY}>"
        message["To"] = f"{recipient.data.name} <{recipient.envelope}>"
        message["Subject"] = "Groups this winter"
        message["Date"] = date
        message["Message-ID"] = f"<{recipient.delivery}.{token}@balint.example.org>"
        message["List-Id"] = f"Newsletter <{LIST_ID}>"
        message["List-Unsubscribe"] = f"<https://balint.example.org/leave/{token}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message["List-Post"] = "NO"
        message["Feedback-ID"] = "84:newsletter:newsletter:balintmail"
        message.set_content(text.render(values))
        message.add_alternative(html.render(values), subtype="html")
        return message.as_bytes()

    return compose


if __name__ == "__main__":
    sys.exit(main())
