"""For any person's data: a letter that parses and says the same, or a refusal for that person alone."""

import re
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from balintmail.composing.escaping import clean, clean_header
from balintmail.composing.headers import LONGEST_NAME
from balintmail.composing.refusals import ContentRefused
from balintmail.domain.recipient import PersonData, Recipient
from balintmail.sending.wire import fault_of
from tests.support.composing import ODD_TEXTS, assert_well_formed, merger, parsed, part, shown_name

LETTER = merger(
    "Dear <<{{ person.name }}>>\n\n{{ person.first_name }}\n{% if person.member %}\nM {{ person.note }}\n{% else %}\n"
    "N {{ person.town|default('nowhere') }}\n{% endif %}\n\n[x](https://x.example.org/?{{ person.note }})"
    " [y]({{ person.website }})\n",
    front="title: 'For {{ person.first_name }}, news'\nnumber: 84",
)
TEXT = (
    st.text(max_size=300)
    | st.sampled_from(list(ODD_TEXTS.values()))
    | st.text(alphabet=st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Lo", "Mn"]), max_size=60)
    | st.text(alphabet=".=?_<>\"'&{}%\\\r\n\0 aé", max_size=120)
)
ODD = TEXT | st.none() | st.booleans() | st.integers() | st.floats() | st.lists(TEXT) | st.dictionaries(TEXT, TEXT)
LOCAL = st.text(alphabet="abcXYZ019!#$%&'*+/=?^_`{|}~-", min_size=1, max_size=40)


@st.composite
def people(draw: st.DrawFn, value: st.SearchStrategy[Any] = TEXT) -> Recipient:
    fields = draw(st.dictionaries(st.sampled_from(["note", "town", "website"]), value))
    address = f"{draw(LOCAL)}@example.org"
    data = PersonData(draw(TEXT), draw(TEXT), draw(st.sampled_from(["", "en", "hu"])), draw(st.booleans()), fields)
    numbers = st.integers(0, 2**62)
    return Recipient(draw(numbers), draw(numbers), draw(st.integers(0, 1000)), address, address, data)


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def composed_or_refused(person: Recipient) -> tuple[bytes, str]:
    try:
        return LETTER.compose(person).data, ""
    except ContentRefused as refused:
        return b"", refused.reason


@settings(max_examples=300, deadline=None)
@given(people())
def test_any_texts_give_a_letter_that_says_the_same(person: Recipient) -> None:
    composed = LETTER.compose(person)
    assert_well_formed(composed.data)
    assert composed.proven
    assert fault_of(replace(composed, proven=False)) == ""
    message = parsed(composed.data)
    assert all(not piece.defects for piece in message.walk())
    assert message["To"].addresses[0].addr_spec == person.envelope
    name = clean_header(person.data.name)
    if len(name) <= LONGEST_NAME:
        assert shown_name(composed.data) == name
    assert str(message["Subject"]) == " ".join(f"For {clean_header(person.data.first_name)}, news".split())
    text = part(message, "text/plain")
    assert squeezed(f"<<{clean(person.data.name)}>>") in squeezed(text)
    assert text == LETTER.text(person)
    assert part(message, "text/html") == LETTER.html(person)
    assert LETTER.html_bytes(person) == len(LETTER.html(person).encode())
    assert LETTER.html(person).count("<script") == 0
    assert composed == LETTER.compose(person)


@settings(max_examples=200, deadline=None)
@given(people(ODD))
def test_any_data_gives_a_letter_or_a_refusal_of_that_person(person: Recipient) -> None:
    raw, reason = composed_or_refused(person)
    assert "@" not in reason
    assert reason or raw
    if raw:
        assert_well_formed(raw)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_any_address_gives_a_letter_or_a_refusal(address: str) -> None:
    try:
        composed = LETTER.compose(Recipient(1, 1, 1, address, address, PersonData("Anna")))
    except ContentRefused:
        return
    assert_well_formed(composed.data, ascii_only=False)
    assert composed.proven <= (not fault_of(replace(composed, proven=False)))
    assert composed.proven is address.isascii()
    assert composed.envelope.recipient == address


@settings(max_examples=200, deadline=None)
@given(people(), st.sampled_from(["href", "src"]))
def test_no_value_gives_a_link_a_scheme_of_its_own_D5(person: Recipient, attribute: str) -> None:
    for address in re.findall(rf'{attribute}="([^"]*)"', LETTER.html(person)):
        scheme = re.match(r"\s*([A-Za-z][A-Za-z0-9+.-]*):", address)
        assert scheme is None or scheme[1].lower() in {"https", "http", "mailto", "cid"}
