"""What an officer's answer decides, in four languages, and what decides nothing; A, H23."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balintmail.domain.officers_words import LONGEST_REASON, verdict
from balintmail.domain.requests import Act

YES = [
    "ok",
    "OK.",
    "Okay!",
    "o.k.",
    "Yes",
    "yes, thank you",
    "Ok, thanks",
    "Approved",
    "ja",
    "Ja, bitte",
    "Einverstanden.",
    "Ja, in Ordnung. Danke!",
    "oui",
    "Oui, merci",
    "D'accord",
    "D\u2019accord, merci beaucoup.",
    "Accepté",
    "igen",
    "Igen, köszönöm",
    "Rendben",
    "jóváhagyom",
    "ok\nEnid",
    "Ok.\n\nBest wishes\nEnid Example",
    "Hello,\n\nyes.\n\nEnid",
    "Ja\r\n\r\nMit freundlichen Grüßen\r\nEnid",
    "Dear all,\nok\nEnid",
    "Liebe Anna,\nja, gerne",
    "I approve",
    "J'approuve",
]


@pytest.mark.parametrize("text", YES)
def test_plain_yes_approves(text: str) -> None:
    found = verdict(text)
    assert found is not None
    assert (found.act, found.reason, found.note) == (Act.APPROVE, "", "")


NO_WITH_REASON = {
    "no, because the list is for people who lead groups": "The list is for people who lead groups",
    "No, because the list is full.\n\nBest wishes\nEnid": "The list is full.",
    "No because we\nare full": "We are full",
    "no: the list is for leaders": "",
    "Nein, weil die Liste für Leiterinnen ist.": "Die Liste für Leiterinnen ist.",
    "nein, denn wir sind voll": "Wir sind voll",
    "Non, parce que la liste est complète": "La liste est complète",
    "non, car c'est complet": "C'est complet",
    "Nem, mert a lista betelt": "A lista betelt",
    "Nem, mert „tele” van": "„tele” van",
    "no\n\nbecause the list is full": "The list is full",
    "No, because: there is no room": "There is no room",
    "No, because of the long waiting list.": "Because of the long waiting list.",
    "Dear all,\nno, because we are full.\nEnid": "We are full.",
    "Je refuse, car c'est complet": "C'est complet",
    "I decline, because we are full": "We are full",
    "no, because they asked if we could wait, but we cannot": "They asked if we could wait, but we cannot",
}


@pytest.mark.parametrize("text", NO_WITH_REASON)
def test_no_because_declines_with_the_reason_for_the_applicant(text: str) -> None:
    found = verdict(text)
    assert found is not None
    assert (found.act, found.reason) == (Act.DECLINE, NO_WITH_REASON[text])


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("no", ""),
        ("No, thank you.", ""),
        ("Nein.", ""),
        ("non", ""),
        ("Nem.\n\nÜdvözlettel\nEnid", ""),
        ("abgelehnt", ""),
        ("no, I know him, a nuisance", "I know him, a nuisance"),
        ("no: the list is for leaders", "the list is for leaders"),
    ],
)
def test_words_after_a_bare_no_stay_with_us(text: str, note: str) -> None:
    found = verdict(text)
    assert found is not None
    assert (found.act, found.reason, found.note) == (Act.DECLINE, "", note)


UNCLEAR = [
    "",
    "  \n ",
    "who is this",
    "ok?",
    "ok, but ask her first where she works",
    "Ok\n\nBut wait until Monday",
    "yes if she is a doctor",
    "no problem",
    "No problem at all, welcome",
    "no idea who that is",
    "No, no problem",
    "no, wait",
    "not sure",
    "Nein, noch nicht",
    "Nein, kein Problem",
    "non, pas de problème",
    "oui mais plus tard",
    "Nem tudom",
    "nem, várjunk",
    "igen, de előbb kérdezzük meg",
    "okra is a vegetable",
    "nobody knows",
    "Oklahoma",
    "I am out of the office until Monday.",
    "ok\n\n" + "\n\n".join(["a letter of many paragraphs"] * 9),
]


@pytest.mark.parametrize("text", UNCLEAR)
def test_what_is_not_plain_decides_nothing(text: str) -> None:
    assert verdict(text) is None


def test_reason_has_a_length_and_keeps_the_writers_letters() -> None:
    found = verdict("no, because " + "é" * 5000)
    assert found is not None
    assert found.reason == "É" + "é" * (LONGEST_REASON - 1)


def test_answer_in_full_width_letters_keeps_its_places() -> None:
    found = verdict("\ufb01no, because x")
    assert found is None
    found = verdict("no, because \ufb01rst come")
    assert found is not None
    assert found.reason.casefold() == "first come"


@given(st.text(max_size=300))
def test_no_text_makes_it_raise_A(text: str) -> None:
    verdict(text)


@pytest.mark.parametrize(
    "text", ["no, " * 20000, "ok " * 20000, "thanks " * 20000, "ok" + "," * 20000 + "x", "- " * 20000]
)
def test_hostile_answers_cost_no_more_than_their_length(text: str) -> None:
    verdict(text)


@pytest.mark.parametrize("text", ["Hi, no.\nOk", "Hello no\n\nok", "Dear Anna, nein\nja", "Bonjour, non\noui"])
def test_a_no_in_the_greeting_is_not_overlooked(text: str) -> None:
    found = verdict(text)
    assert found is None or found.act is Act.DECLINE


def test_long_answer_takes_no_long_time() -> None:
    began = time.monotonic()
    verdict("no, because we are full.\n" + "A" * 20_000)
    verdict("no, because we are full." + "\n" * 20_000 + "x")
    verdict("no, because we are full.\n" + "A " * 10_000)
    assert time.monotonic() - began < 2
