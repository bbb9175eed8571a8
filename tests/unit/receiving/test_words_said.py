"""What somebody wrote themselves, whichever program they wrote it with: quotes, their headings and signatures go."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balintmail.receiving.mail import take_apart
from balintmail.receiving.words_said import LONGEST, new_words, without_quotes, words_said

NEW = "ok, let her in"
TAILS = {
    "angle brackets": "On Mon, 23 Nov 2026 at 10:00, Balint Society <o@example.org> wrote:\n> Dear you\n> text",
    "introduction over two lines": (
        "On Mon, 23 Nov 2026 at 10:00, The Balint Society of Somewhere Rather Long\n"
        "<office@balint.example.org> wrote:\n\n> Dear you"
    ),
    "german": "Am 23.11.26 um 10:00 schrieb Office:\n> Liebe Ada",
    "french": "Le lun. 23 nov. 2026 à 10:00, Office <office@balint.example.org> a écrit :\n> Chère Ada",
    "hungarian": "Office <office@balint.example.org> ezt írta (időpont: 2026. nov. 23., H, 10:00):\n\n> Kedves Ada",
    "original message": "-----Original Message-----\nFrom: Office\nSubject: A request\n\nDear you",
    "ursprüngliche Nachricht": "-----Ursprüngliche Nachricht-----\nVon: Office\n\nLiebe Ada",
    "message d'origine": "-------- Message d'origine --------\nDe : Office\n\nBonjour",
    "eredeti üzenet": "-----Eredeti üzenet-----\nFeladó: Office\n\nKedves Ada",
    "outlook": "________________________________\nFrom: Office\nSent: Monday\nTo: Ada\nSubject: A\n\nDear",
    "outlook in german": "Von: Office\nGesendet: Montag\nAn: Ada\nBetreff: Anfrage\n\nLiebe Ada",
    "outlook in french": "De : Office\nEnvoyé : lundi\nÀ : Ada\nObjet : Demande\n\nBonjour",
    "outlook in hungarian": "Feladó: Office\nKüldve: hétfő\nCímzett: Ada\nTárgy: Kérés\n\nKedves Ada",
    "signature": "-- \nDr Ada Example\nLeeds",
    "telephone": "Sent from my iPhone",
    "telephone in german": "Von meinem iPhone gesendet",
    "telephone in french": "Envoyé de mon iPhone",
    "outlook for phones": "Get Outlook for iOS",
}


@pytest.mark.parametrize("tail", TAILS.values(), ids=TAILS.keys())
def test_only_the_new_words_are_left(tail: str) -> None:
    assert new_words(f"{NEW}\n\n{tail}\n") == NEW


def test_answer_below_the_quote_is_found() -> None:
    assert new_words(f"Office wrote:\n> Dear you\n> how are you?\n\n{NEW}\n-- \nAda") == NEW


def test_answers_between_quotes_stay_in_order() -> None:
    assert new_words("> one?\nyes\n> two?\nno\n") == "yes\nno"


def test_two_dashes_above_a_quote_hide_no_answer() -> None:
    assert new_words(f"--\n> Dear you\n{NEW}") == NEW


def test_line_that_only_looks_like_a_heading_stays() -> None:
    assert new_words("From: what I hear, all is well.\nAda") == "From: what I hear, all is well.\nAda"


HTML = {
    "gmail": f'<div>{NEW}</div><div class="gmail_quote"><div class="gmail_attr">On Monday</div><div>Dear</div></div>',
    "cite": f"<p>{NEW}</p><blockquote type=cite><p>Dear <blockquote>deeper</blockquote></p></blockquote>",
    "outlook": f'<div>{NEW}</div><div id="divRplyFwdMsg"><b>From:</b> Office</div><div>Dear you</div>',
    "outlook's line": f'<p>{NEW}</p><div style="border:none;border-top:solid #E1E1E1 1.0pt"><b>From:</b> O</div>Dear',
    "thunderbird": f'{NEW}<br><div class="moz-cite-prefix">On Monday</div><blockquote type="cite">Dear</blockquote>',
    "signature": f'<div>{NEW}</div><div class="gmail_signature">Dr Ada</div>',
    "never closed": f"<div>{NEW}</div><blockquote>Dear <div>you",
    "styles and scripts": f"<style>p {{x: y}}</style><script>alert(1)</script><p>{NEW}</p>",
}


@pytest.mark.parametrize("markup", HTML.values(), ids=HTML.keys())
def test_html_without_plain_text_gives_its_new_words(markup: str) -> None:
    mail = take_apart(f"Subject: Re: a\nContent-Type: text/html; charset=utf-8\n\n<html>{markup}</html>".encode())
    assert words_said(mail) == NEW


def test_plain_text_comes_before_html_and_files_are_left_out() -> None:
    raw = (
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/alternative; boundary=a\n\n"
        f"--a\nContent-Type: text/plain\n\n{NEW}\n--a\nContent-Type: text/html\n\n<p>other</p>\n--a--\n"
        "--b\nContent-Type: text/plain\nContent-Disposition: attachment; filename=x.txt\n\nof the file\n--b--\n"
    )
    assert words_said(take_apart(raw.encode())) == NEW


def test_control_characters_and_broken_unicode_go_A15_A16_A17() -> None:
    assert new_words("a\0b\ud800c\u202ed\te\x1b[31m") == "abcd\te[31m"


def test_length_has_an_end_A19() -> None:
    assert len(new_words("word " * 100_000)) <= LONGEST


@pytest.mark.parametrize("unit", ["<blockquote>", "<div class=gmail_quote>", "</div>", "<div ", "> a\n", "on a wrote\n",
                                  "From: x\n", "-- \n", "<" * 50, "wrote:\n\n"])  # fmt: skip
def test_hostile_text_costs_no_more_than_its_length_H3(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    begun = time.process_time()
    new_words(text)
    without_quotes(text)
    assert time.process_time() - begun < 3


@given(st.text())
def test_nothing_makes_it_raise(text: str) -> None:
    new_words(text)
    without_quotes(text)
