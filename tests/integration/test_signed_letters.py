"""Letters as composing makes them, signed as dispatch signs them: both verifiers pass them, whatever the names."""

from pathlib import Path

import pytest

from balintmail.composing.refusals import ContentRefused
from balintmail.sending.dkim import OVERSIGNED, SIGNED_IF_PRESENT
from balintmail.sending.dkim_keys import DkimKey
from tests.support import opendkim
from tests.support.composing import ODD_TEXTS, fields, merger, reader
from tests.support.letters_to_sign import Published, make_pair, signer, verifies

BODY = """
Dear {{ person.first_name | default("colleague") }},

| Group  | Place  |    When |
|:-------|:-------|--------:|
| Leeds  | online | Tuesday |

{{ person.name }}, until then.
"""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[DkimKey, DkimKey]:
    return make_pair(tmp_path_factory.mktemp("keys"))


def test_every_field_of_a_letter_is_signed(pair: tuple[DkimKey, DkimKey]) -> None:
    raw = merger(BODY).compose(reader()).data
    names = {name.lower().encode() for name, _ in fields(raw)}
    assert {b"from", b"to", b"subject", b"date", b"message-id", b"list-unsubscribe", b"feedback-id"} <= names
    assert names <= {*OVERSIGNED, *SIGNED_IF_PRESENT}


@pytest.mark.parametrize("number", ODD_TEXTS)
def test_letter_to_an_odd_name_verifies_or_is_refused_A(pair: tuple[DkimKey, DkimKey], number: str) -> None:
    press, odd = merger(BODY), ODD_TEXTS[number]
    try:
        letter = press.compose(reader(odd, first_name=odd))
    except ContentRefused:
        return
    assert verifies(signer(*pair).signed(letter).data, Published(*pair)) == [True, True]


@pytest.mark.skipif(opendkim.PROGRAM is None, reason=opendkim.MISSING)
@pytest.mark.parametrize("name", ["Anna Kovács", "李 明", "O'Neill-Smith", "", "A" * 300])
def test_letter_passes_opendkim_too(pair: tuple[DkimKey, DkimKey], tmp_path: Path, name: str) -> None:
    letter = signer(*pair).signed(merger(BODY).compose(reader(name, first_name=name)))
    found = opendkim.verdicts(letter.data, Published(*pair), tmp_path)
    assert found == [("rsa-sha256", "pass"), ("ed25519-sha256", "pass")]


def test_letter_composed_again_is_signed_with_equal_bytes_P6_S11(pair: tuple[DkimKey, DkimKey]) -> None:
    first, again = (signer(*pair).signed(merger(BODY).compose(reader())) for _ in range(2))
    assert first == again
