"""Values made safe for their place; never an exception, never a surprise for the reader."""

from hypothesis import given
from hypothesis import strategies as st

from balintmail.composing.escaping import Context, address, clean, clean_header, escape, html
from tests.support.composing import ODD_TEXTS

ANY = st.text() | st.text(alphabet=st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Lo", "Mn"]))


@given(ANY)
def test_clean_text_is_one_printable_line(text: str) -> None:
    found = clean(text)
    assert not any(letter in found for letter in "\r\n\0\x0b\x0c\x85\u2028\u2029\ufeff\u202e\u2066")
    assert found == found.strip()
    assert found.encode("utf-8").decode("utf-8") == found
    assert clean(found) == found


@given(ANY)
def test_escape_never_raises_and_encodes(text: str) -> None:
    for context in Context:
        escape(clean(text), context).encode("utf-8")


@given(ANY)
def test_html_holds_no_markup(text: str) -> None:
    assert not set("<>\"'") & set(html(text))


@given(ANY)
def test_address_part_is_only_unreserved(text: str) -> None:
    written = escape(clean(text), Context.HTML_ADDRESS_PART)
    assert written.isascii()
    assert not set(" <>\"'&=?#/:") & set(written)


def test_joiners_of_names_and_emoji_stay_A18_A25() -> None:
    assert clean("a\u200db\u200c") == "a\u200db\u200c"
    assert clean("\U0001f469\u200d\U0001f680") == "\U0001f469\u200d\U0001f680"


def test_what_turns_text_round_is_dropped_A17_A26() -> None:
    assert clean("An\u202ena\ufeff\u2067x") == "Annax"


def test_lone_surrogates_are_replaced_A16() -> None:
    assert clean("a\ud800b") == "a\ufffdb"


def test_line_ends_become_one_space_A1_to_A4() -> None:
    for number in ("A1", "A2", "A3", "A4"):
        assert clean_header(ODD_TEXTS[number]) == "Anna Bcc: x@example.net"


def test_only_mail_and_web_addresses_keep_their_scheme_D5() -> None:
    assert address("https://x.example.org/a?b=c#d") == "https://x.example.org/a?b=c#d"
    assert address("mailto:a@example.org?subject=x") == "mailto:a@example.org?subject=x"
    for odd in ("javascript:alert(1)", "data:text/html,x", "//evil.example.net", "\\\\evil", "x:y", "https:evil"):
        assert ":" not in address(odd)
        assert "/" not in address(odd)
