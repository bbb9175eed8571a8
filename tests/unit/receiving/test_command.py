"""Which mails are commands, in four languages and any politeness; and which letters must never be taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balintmail.domain.mail_commands import Act, Command
from balintmail.domain.returns import Kind
from balintmail.receiving.command import carries_token, command_in
from balintmail.receiving.read import read

TOKEN = "a2b3" * 10

SUBJECTS = [
    ("unsubscribe", Act.LEAVE, "", "en"),
    ("Unsubscribe please", Act.LEAVE, "", "en"),
    ("UNSUBSCRIBE", Act.LEAVE, "", "en"),
    ("leave newsletter", Act.LEAVE, "", "en"),
    ("leave weekends", Act.LEAVE, "weekends", "en"),
    (f"leave {TOKEN}", Act.LEAVE, TOKEN, "en"),
    ("unsubscribe Oxford weekends", Act.LEAVE, "oxford weekends", "en"),
    ("Abmelden", Act.LEAVE, "", "de"),
    ("Newsletter abbestellen", Act.LEAVE, "", "de"),
    ("Désabonnement", Act.LEAVE, "", "fr"),
    ("De\u0301sinscription", Act.LEAVE, "", "fr"),
    ("leiratkozas", Act.LEAVE, "", "hu"),
    ("Leiratkozás", Act.LEAVE, "", "hu"),
    ("subscribe", Act.JOIN, "", "en"),
    ("join weekends", Act.JOIN, "weekends", "en"),
    ("Anmeldung", Act.JOIN, "", "de"),
    ("S'abonner", Act.JOIN, "", "fr"),
    ("S\N{RIGHT SINGLE QUOTATION MARK}abonner", Act.JOIN, "", "fr"),
    ("Feliratkozás", Act.JOIN, "", "hu"),
    ("help", Act.HELP, "", "en"),
    ("?", Act.HELP, "", "en"),
    ("Hilfe", Act.HELP, "", "de"),
    ("Aide", Act.HELP, "", "fr"),
    ("Segítség", Act.HELP, "", "hu"),
    ("copy 84", Act.COPY, "84", "en"),
    ("Copy of newsletter 84", Act.COPY, "84", "en"),
    ("copy weekends/3", Act.COPY, "weekends/3", "en"),
    ("copy weekends 3", Act.COPY, "weekends/3", "en"),
    ("copy latest", Act.COPY, "latest", "en"),
    ("Kopie Nr. 12", Act.COPY, "12", "de"),
    ("Copie du numéro 12", Act.COPY, "12", "fr"),
    ("másolat 84", Act.COPY, "84", "hu"),
    ("confirm", Act.CONFIRM, "", "en"),
    ("Bestätigung", Act.CONFIRM, "", "de"),
]


@pytest.mark.parametrize(("subject", "act", "argument", "language"), SUBJECTS)
def test_subject_that_is_a_command(subject: str, act: Act, argument: str, language: str) -> None:
    assert command_in(subject, "") == Command(act, argument, language)
    assert command_in("", subject) == Command(act, argument, language)
    assert command_in("Re: Newsletter 84", f"{subject}\n\nBest wishes\nJane") == Command(act, argument, language)


SENTENCES = [
    ("Please unsubscribe me from the newsletter.", Act.LEAVE, ""),
    ("Dear Secretary,\nplease take me off your mailing list.\nThank you\nJane", Act.LEAVE, ""),
    ("Please unsubscribe me from your\nmailing list. Thank you.", Act.LEAVE, ""),
    ("Bitte melden Sie mich vom Newsletter ab.\nDanke", Act.LEAVE, ""),
    ("Sehr geehrte Damen und Herren,\n\nbitte tragen Sie mich aus Ihrem Verteiler aus.", Act.LEAVE, ""),
    ("Bonjour,\n\nMerci de me désabonner de la liste.", Act.LEAVE, ""),
    ("Je ne souhaite plus recevoir votre lettre d'information.", Act.LEAVE, ""),
    ("Kedves Titkár!\n\nSzeretnék leiratkozni a hírlevélről.", Act.LEAVE, ""),
    ("Kérem, iratkozzanak le", Act.LEAVE, ""),
    ("I would like to join the list, please.", Act.JOIN, ""),
    ("Ich möchte mich zum Newsletter anmelden.", Act.JOIN, ""),
    ("Je souhaite m'inscrire à la liste de diffusion", Act.JOIN, ""),
    ("Szeretnék feliratkozni a hírlevélre!", Act.JOIN, ""),
    ("Could you please send me a copy of newsletter 84?", Act.COPY, "84"),
    ("Bitte schicken Sie mir den Rundbrief Nr. 12.", Act.COPY, "12"),
    ("Pourriez-vous m'envoyer le numéro 12, s'il vous plaît ?", Act.COPY, "12"),
    ("Kérem, küldjék el a 84. szám másolatát.", Act.COPY, "84"),
]


@pytest.mark.parametrize(("text", "act", "argument"), SENTENCES)
def test_sentence_that_is_a_command(text: str, act: Act, argument: str) -> None:
    found = command_in("A question", text)
    assert found is not None
    assert (found.act, found.argument, found.says_more) == (act, argument, False)


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Leave of absence for Dr Smith", ""),
        ("Help", "I cannot open the latest newsletter. Jane"),
        ("Help needed with the minutes", ""),
        ("Meeting", "Can you help me?"),
        ("Don't unsubscribe me", ""),
        ("", "Bitte nicht abmelden"),
        ("Join us in Oxford", "A weekend for group leaders"),
        ("Re: unsubscribe", "I was only asking how to unsubscribe my late father."),
        ("Stop the war", ""),
        ("Newsletter 84", ""),
        ("Re: Newsletter 84", "Thank you for the copy of the paper, I read it on the train."),
        ("join or leave", ""),
        ("You have won", "To claim it send 500 dollars. unsubscribe here"),
        ("Leave", "I shall be on leave from Monday and would ask Dr Jones to chair the meeting in my place this time."),
        ("", ""),
        ("Re:", ""),
    ],
)
def test_letter_stays_a_letter(subject: str, text: str) -> None:
    assert command_in(subject, text) is None


def test_sure_command_with_a_letter_says_so() -> None:
    text = "I no longer work in a practice and would like fewer mails, but do write to me about the Oxford weekends."
    assert command_in("unsubscribe", text) == Command(Act.LEAVE, "", "en", says_more=True)


def test_number_below_the_subject_belongs_to_it() -> None:
    assert command_in("Copy", "84") == Command(Act.COPY, "84")


def test_reply_with_no_words_of_its_own_has_the_subject_speak() -> None:
    assert command_in("Re: unsubscribe", "") == Command(Act.LEAVE)
    assert command_in("AW: [Balint] copy 84", "") == Command(Act.COPY, "84")


def test_quoted_command_is_none() -> None:
    assert read(b"From: a@example.org\nSubject: Re: How\n\nThank you\n\n> unsubscribe\n").kind is Kind.LETTER


@pytest.mark.parametrize("subject", [f"leave {TOKEN}", f"Leave {TOKEN.upper()}", f"Re: unsubscribe: {TOKEN}"])
def test_token_for_leaving_makes_a_command_of_any_mail_S6(subject: str) -> None:
    robot = f"From: a@example.org\nAuto-Submitted: auto-generated\nSubject: {subject}\n\n"
    assert carries_token(subject)
    assert read(robot.encode()).kind is Kind.COMMAND


def test_automatic_reply_is_no_command_S41() -> None:
    raw = b"From: a@example.org\nAuto-Submitted: auto-replied\nSubject: Re: confirm\n\nunsubscribe\n"
    assert (read(raw).kind, read(raw).command) == (Kind.AUTO_REPLY, None)


def test_html_only_mail_is_understood() -> None:
    raw = "From: a@example.org\nSubject: =?utf-8?q?K=C3=A9r=C3=A9s?=\nContent-Type: text/html; charset=utf-8\n\n"
    event = read(f"{raw}<html><body><p>Leiratkozás</p><blockquote>Kedves</blockquote></body></html>".encode())
    assert (event.kind, event.text, event.command) == (Kind.COMMAND, "Leiratkozás", Command(Act.LEAVE, "", "hu"))


@given(st.text(), st.text())
def test_nothing_makes_it_raise(subject: str, text: str) -> None:
    command_in(subject, text)
    carries_token(subject)
