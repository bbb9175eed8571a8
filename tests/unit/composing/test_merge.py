"""One person's message: values escaped by place, odd data harmless, bytes equal on every retry, nobody stops others."""

import subprocess
import sys
from dataclasses import replace

import pytest

from balintmail.composing.compiled import Compiled
from balintmail.composing.escaping import clean, clean_header
from balintmail.composing.headers import LONGEST_NAME
from balintmail.composing.merge import KeyMissing, Merger
from balintmail.composing.refusals import ContentRefused
from balintmail.config import BounceStyle
from balintmail.domain import tokens
from balintmail.domain.keys import Keyring
from balintmail.domain.tokens import Purpose, TokenClaims
from tests.support.composing import (
    KEYS,
    ODD_TEXTS,
    SITE,
    assert_well_formed,
    compiled,
    field,
    merger,
    parsed,
    part,
    reader,
    shown_name,
)

GREETING = "Dear {{ person.first_name }}, you are {{ person.name }}.\n"


@pytest.mark.parametrize("odd", ODD_TEXTS.values(), ids=ODD_TEXTS)
def test_odd_text_as_a_name_neither_splits_a_header_nor_stops_the_letter(odd: str) -> None:
    composed = merger(GREETING).compose(reader(odd, first_name=odd))
    assert_well_formed(composed.data)
    message = parsed(composed.data)
    assert [address.addr_spec for address in message["To"].addresses] == ["anna@example.org"]
    shown = shown_name(composed.data)
    expected = clean_header(odd)
    assert shown == expected or (len(expected) > LONGEST_NAME and shown[:100] == expected[:100])
    assert clean(odd).replace(" ", "") in part(message, "text/plain").replace(" ", "").replace("\n", "")


@pytest.mark.parametrize("odd", ODD_TEXTS.values(), ids=ODD_TEXTS)
def test_odd_text_in_the_subject_stays_one_subject(odd: str) -> None:
    front = "title: 'News for {{ person.note }} here'\nnumber: 84"
    composed = merger("Hello.", front=front).compose(reader(fields={"note": odd}))
    assert_well_formed(composed.data)
    wanted = " ".join(f"News for {clean_header(odd)} here".split())
    assert str(parsed(composed.data)["Subject"]) == wanted


@pytest.mark.parametrize("odd", ODD_TEXTS.values(), ids=ODD_TEXTS)
def test_odd_text_as_names_of_list_and_society_stays_in_its_place(odd: str) -> None:
    from tests.support.composing import NEWSLETTER

    letter = merger(
        "Hello {{ list.name }}.",
        list=replace(NEWSLETTER, name=odd, footer=odd, purpose=odd),
        from_name=odd,
        society=odd,
    )
    raw = letter.compose(reader()).data
    assert_well_formed(raw)
    assert "=?" not in field(raw, "List-Id")
    assert field(raw, "List-Id").endswith("<newsletter.balint.example.org>")


def test_odd_name_of_one_person_leaves_the_others_alone_E9() -> None:
    letter = merger("Hello {{ person.note }}.")
    with pytest.raises(ContentRefused, match="holds no text"):
        letter.compose(reader(fields={"note": {"nested": ["x"]}}))
    assert b"Hello =\r\nfriend=" in letter.compose(reader(fields={"note": "friend"})).data


def test_endless_value_is_refused_for_that_person_E13() -> None:
    with pytest.raises(ContentRefused, match="longer than"):
        merger("Hello {{ person.note }}.").compose(reader(fields={"note": "x" * 10_001}))


def test_huge_number_is_refused_for_that_person() -> None:
    with pytest.raises(ContentRefused):
        merger("Hello {{ person.note }}.").compose(reader(fields={"note": 10**5000}))


def test_data_holding_template_syntax_stays_text_E10() -> None:
    odd = "{{ person.name }} {% if person.member %}x{% endif %} ${7*7} #{7*7}"
    letter = merger(GREETING)
    assert odd in letter.text(reader(odd))
    assert "${7*7}" in letter.html(reader(odd))


def test_data_holding_html_is_escaped_in_html_and_bare_in_text_E11() -> None:
    odd = "<script>alert('x')</script>\" onx=\"</title>&amp;"
    letter = merger(GREETING)
    assert odd in letter.text(reader(odd))
    html = letter.html(reader(odd))
    assert "<script>" not in html
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot; onx=&quot;&lt;/title&gt;&amp;amp;" in html


def test_value_in_an_attribute_cannot_leave_it_D2() -> None:
    letter = merger('![{{ person.note }}](https://x.example.org/a.png)[a](https://x.example.org "{{ person.note }}")')
    html = letter.html(reader(fields={"note": '" onx="alert(1)'}))
    assert 'onx="' not in html


def test_value_in_an_address_is_encoded() -> None:
    letter = merger("[a](https://x.example.org/?n={{ person.note }}&m=1)")
    who = reader(fields={"note": 'a&b="<é'})
    assert 'href="https://x.example.org/?n=a%26b%3D%22%3C%C3%A9&amp;m=1"' in letter.html(who)
    assert "<https://x.example.org/?n=a%26b%3D%22%3C%C3%A9&m=1>" in letter.text(who)


@pytest.mark.parametrize(
    "odd", ["javascript:alert(1)", " JaVaScript:alert(1)", "java\tscript:x", "data:text/html,x", "vbscript:x"]
)
def test_value_that_is_a_whole_address_loses_a_dangerous_scheme_D5(odd: str) -> None:
    letter = merger("[mine]({{ person.website }})")
    who = reader(fields={"website": odd})
    for shown in (letter.html(who), letter.text(who)):
        assert "script:" not in shown.lower()
        assert "data:" not in shown


def test_value_that_is_a_whole_address_keeps_a_good_one() -> None:
    letter = merger("[mine]({{ person.website }})")
    who = reader(fields={"website": "https://x.example.org/a?b=c&d=e"})
    assert 'href="https://x.example.org/a?b=c&amp;d=e"' in letter.html(who)


def test_percent_signs_stay_as_they_are_E12() -> None:
    assert "100%s 50%% %(name)s" in merger(GREETING).text(reader("100%s 50%% %(name)s"))


def test_empty_field_takes_its_default_A21_A23() -> None:
    letter = merger('Dear {{ person.first_name|default("friend") }}!')
    assert "Dear friend!" in letter.text(reader(first_name=""))
    assert "Dear friend!" in letter.text(reader(first_name=" \u2028 "))
    assert "Dear Anna!" in letter.text(reader())


def test_default_may_name_another_field() -> None:
    letter = merger('Dear {{ person.first_name|default(person.name)|default("friend") }}!')
    assert "Dear Anna Kovács!" in letter.text(reader(first_name=""))
    assert "Dear friend!" in letter.text(reader("", first_name=""))


def test_condition_shows_each_person_their_part() -> None:
    letter = merger(
        "{% if person.member %}A{{ person.note }}{% elif person.language == 'hu' %}B{% else %}C{% endif %}end"
    )
    assert "A9end" in letter.text(reader(member=True, fields={"note": 9}))
    assert "Bend" in letter.text(reader(language="hu"))
    assert "Cend" in letter.text(reader(language="de"))


def test_person_without_a_language_reads_the_letters() -> None:
    letter = merger(
        "{% if person.language == 'hu' %}B{% else %}C{% endif %}end", front="title: T\nslug: t-1\nlanguage: hu"
    )
    assert "Bend" in letter.text(reader())


def test_members_part_reaches_no_other_reader_in_any_form() -> None:
    body = (
        "Hello all.\n\n{% if person.member %}\nSECRET one[^1]\n{% endif %}\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n{% if person.member %}\n| SECRET | two |\n{% endif %}\n| 3 | 4 |\n\n"
        "And {% if person.member %}SECRET three{% endif %}.\n\n[^1]: SECRET note\n"
    )
    letter = merger(body)
    assert letter.text(reader(member=True)).count("SECRET") == 4
    assert letter.html(reader(member=True)).count("SECRET") == 4
    assert b"SECRET" not in letter.compose(reader(member=False)).data


def test_bytes_are_equal_on_every_retry_S11_P6() -> None:
    first = merger(GREETING)
    again = Merger(Compiled.load(compiled(GREETING).dump()), KEYS)
    assert first.compose(reader()) == again.compose(reader()) == first.compose(reader())


def test_bytes_stay_equal_after_a_key_rotation_P6() -> None:
    rotated = Keyring(tokens=b"n" * 32, erasure=KEYS.erasure, previous=(KEYS.tokens,))
    frozen = compiled(GREETING)
    assert Merger(frozen, rotated).compose(reader()) == Merger(frozen, KEYS).compose(reader())


def test_mailing_whose_key_is_gone_is_refused_as_a_whole() -> None:
    with pytest.raises(KeyMissing):
        Merger(compiled(GREETING), Keyring(tokens=b"n" * 32, erasure=KEYS.erasure))


def test_envelope_sender_by_style_S18() -> None:
    token = tokens.make(TokenClaims(Purpose.BOUNCE, delivery=7), KEYS.tokens)
    plus = merger(GREETING, bounce_style=BounceStyle.PLUS).compose(reader())
    assert plus.envelope.sender == f"bounces+{token}@balint.example.org"
    catchall = merger(GREETING, bounce_style=BounceStyle.CATCHALL).compose(reader())
    assert catchall.envelope.sender == f"{token}@balint.example.org"
    plain = merger(GREETING, bounce_style=BounceStyle.PLAIN).compose(reader())
    assert plain.envelope.sender == "bounces@balint.example.org"


def test_message_id_is_unguessable_unique_and_ours_S11() -> None:
    letter = merger(GREETING)
    first, second = letter.compose(reader()), letter.compose(replace(reader(), delivery=8))
    assert first.message_id != second.message_id
    token = first.message_id.removeprefix("<").removesuffix("@balint.example.org>")
    assert tokens.read(token, Purpose.MESSAGE_ID, [KEYS.tokens]) == TokenClaims(Purpose.MESSAGE_ID, delivery=7)
    assert field(first.data, "Message-ID") == first.message_id == letter.message_id(7)


def test_leave_token_is_the_same_everywhere_and_names_person_and_list_S1_S7() -> None:
    letter = merger(GREETING)
    raw = letter.compose(reader()).data
    web = field(raw, "List-Unsubscribe").split(",")[0].strip("<>")
    token = web.removeprefix(f"{SITE}/leave/")
    assert tokens.read(token, Purpose.LEAVE, [KEYS.tokens]) == TokenClaims(Purpose.LEAVE, 5, 3, 7)
    text, html = part(parsed(raw), "text/plain"), part(parsed(raw), "text/html")
    assert text.index(web) < 300
    assert html.encode().index(web.encode()) < 90_000
    assert field(raw, "List-Unsubscribe").count(token) == 2


def test_address_beyond_ascii_is_written_in_utf8_and_said_so_S25_B64_T3() -> None:
    composed = merger(GREETING).compose(reader("Müller", address="müller@example.org"))
    assert composed.envelope.smtputf8
    assert composed.envelope.recipient == "müller@example.org"
    assert "<müller@example.org>" in field(composed.data, "To")
    assert_well_formed(composed.data, ascii_only=False)
    assert composed.data.split(b"\r\n\r\n", 1)[1].isascii()


def test_idn_domain_stands_in_a_labels_B61() -> None:
    composed = merger(GREETING).compose(reader(address="anna@xn--pida-bpa.example.org"))
    assert not composed.envelope.smtputf8
    assert composed.data.isascii()


@pytest.mark.parametrize(
    "address",
    [
        "a@example.org\r\nRCPT TO:<x@example.net>",
        "a@example.org>",
        "a@example.org,b@example.org",
        "<a@example.org>",
        "a@example.org\0.c",
        '"a b"@example.org',
        "a(b)@example.org",
        "",
        "a@",
        "@b",
        "a b@example.org",
        "a\u2028@example.org",
        "\ud800@example.org",
        "a@[127.0.0.1]",
        "@x:a@example.org",
        "x@y.example)z@w.example",
    ],
)
def test_address_that_cannot_be_written_is_refused_for_that_person(address: str) -> None:
    letter = merger(GREETING)
    with pytest.raises(ContentRefused, match="address"):
        letter.compose(reader(address=address))


@pytest.mark.parametrize(
    "address", ["-oQ/tmp@example.org", "a%b@example.org", "o'neill@example.org", "a+b@example.org"]
)
def test_address_with_odd_but_plain_letters_is_written_B11_B27(address: str) -> None:
    composed = merger(GREETING).compose(reader(address=address))
    assert parsed(composed.data)["To"].addresses[0].addr_spec == address


def test_quoted_names_come_back_as_they_were() -> None:
    for name in ('O"Neill \\ Smith', "Kovács, Anna", "李 明", "a@b.example.org", "(x)", "J. R. Doe", "x" * 300):
        shown = shown_name(merger(GREETING).compose(reader(name)).data)
        assert shown == name or (len(name) > LONGEST_NAME and shown == name[: LONGEST_NAME - 1] + "…")


def test_html_bytes_counts_what_this_person_gets_S27() -> None:
    letter = merger("{{ person.note }}")
    short = letter.html_bytes(reader(fields={"note": "x"}))
    assert letter.html_bytes(reader(fields={"note": "x" * 9_001})) == short + 9_000
    assert short == len(letter.html(reader(fields={"note": "x"})).encode())


def test_many_combinations_of_conditions_keep_memory_flat() -> None:
    from balintmail.composing.merge import MOST_PLANS

    body = "".join(f"{{% if person.note == '{number}' %}}x{{% endif %}} " for number in range(12))
    letter = merger(body)
    for number in range(MOST_PLANS + 50):
        letter.compose(reader(fields={"note": str(number)}))
    assert len(letter._plans) <= MOST_PLANS


def test_fast_path_imports_and_uses_nothing_of_email() -> None:
    code = (
        "import sys\n"
        "from balintmail.composing.merge import Merger\n"
        "from balintmail.composing.compiled import Compiled\n"
        "from balintmail.domain.keys import Keyring\n"
        "from balintmail.domain.recipient import PersonData, Recipient\n"
        "merger = Merger(Compiled.load(sys.stdin.buffer.read()), Keyring(bytes(range(32)), bytes(range(32, 64))))\n"
        "merger.compose(Recipient(7, 5, 3, 'a@example.org', 'a@example.org', PersonData('Anna Kovács', 'Anna')))\n"
        "heavy = {'email.message', 'email.mime', 'email.policy', 'email.generator', 'jinja2', 'markdown_it', 'mjml',\n"
        "         'css_inline', 'yaml'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=compiled(GREETING).dump(), capture_output=True, check=True
    )
    assert done.stdout.decode().strip() == "[]"
