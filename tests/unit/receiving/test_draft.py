"""The newsletter in a mail: which part of it is the letter, and which files lie beside it; groups A, D, G7, H."""

import zipfile
from email.message import EmailMessage
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balintmail.receiving.draft import MOST_OCTETS, DraftReader, mailed
from tests.support.mailing_in import mail

WORD = """<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><style>p.MsoNormal{margin:0cm}</style></head>
<body><div class=WordSection1><h1>News</h1><p class=MsoNormal><b>Dear reader</b>,<o:p></o:p></p>
<p class=MsoNormal><o:p>&nbsp;</o:p></p><!--[if gte mso 9]><xml></xml><![endif]-->
<p class=MsoNormal>three groups begin: <a href="https://www.example.org/">here</a>.<o:p></o:p></p>
<script>alert(1)</script></div></body></html>"""


def test_text_is_the_letter_without_its_signature() -> None:
    found = mailed(mail("Dear all,\n\n*come*.\n-- \nEnid\nSecretary\n"))
    assert (found.text, found.why, found.files) == ("Dear all,\n\n*come*.\n", "", ())


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Fwd: Groups", "Groups"),
        ("WG: AW: Groups", "Groups"),
        ("TR : Groups", "Groups"),
        ("Re: Fw: Groups", "Groups"),
        ("Region: Groups", "Region: Groups"),
        ("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("a" * 2000, "a" * 500),
        ("", ""),
    ],
)
def test_subject_is_the_title_without_what_mail_programs_add(said: str, meant: str) -> None:
    raw = mail(Subject="SUBJECT").replace(b"SUBJECT", said.encode())
    assert mailed(raw).subject == meant


@pytest.mark.parametrize("control", ["\x00", "\x0b", "\x0c", "\x1b", "\x7f"])
def test_control_characters_are_left_out_A9_A15(control: str) -> None:
    raw = mail("Dear MARK all.\n", Subject="News MARK").replace(b"MARK", control.encode())
    found = mailed(raw)
    assert control not in found.text + found.subject


def test_html_alone_of_a_word_processor_becomes_markdown() -> None:
    found = mailed(mail("", html=WORD))
    assert found.text == "## News\n\n**Dear reader**,\n\nthree groups begin: [here](https://www.example.org/).\n"


def test_html_that_says_more_than_the_text_is_taken() -> None:
    assert "[here](" in mailed(mail("Dear reader, three groups begin: here", html=WORD)).text
    assert mailed(mail("*Dear* reader.\n", html="<p>*Dear* reader.</p>")).text == "*Dear* reader.\n"


def test_settings_in_the_text_win_over_the_html() -> None:
    assert mailed(mail("--- \ntitle: a\n---\nHello.\n", html=WORD)).has_front_matter


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        ("Grüße\r\n".encode(), "Grüße\n"),
        ("Grüße\r\n".encode("utf-8-sig"), "Grüße\n"),
        ("Grüße\r\n".encode("utf-16"), "Grüße\n"),
        ("„Grüße“ – 5 €\r\n".encode("cp1252"), "„Grüße“ – 5 €\n"),
        (b"\x81\x8d caf\xe9\n", "\ufffd\ufffd café\n"),
    ],
)
def test_markdown_file_is_read_in_what_it_was_written_in_H9(octets: bytes, text: str) -> None:
    assert mailed(mail("see the file", files={"news.md": octets})).text == text


def test_first_markdown_file_is_the_letter_and_the_rest_lies_beside() -> None:
    files = {"a.md": b"First.\n", "b.md": b"Second.\n", "../../etc/passwd": b"x", "room.png": b"png"}
    found = mailed(mail("", files=files))
    assert found.text == "First.\n"
    assert [name for name, _ in found.files] == ["b.md", "passwd", "room.png"]


def test_pictures_of_html_are_named_by_their_content_id() -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.org", "b@example.org", "x"
    message.set_content('<p><b>See</b></p><img src="cid:one@x" alt="A room">', subtype="html")
    message.add_related(b"png", "image", "png", cid="<one@x>", filename="room one.png")
    found = mailed(message.as_bytes())
    assert "![A room](room%20one.png)" in found.text
    assert found.files == (("room one.png", b"png"),)


@pytest.mark.parametrize(
    "kind", ["application/pkcs7-mime; smime-type=enveloped-data", "multipart/encrypted; boundary=x"]
)
def test_encrypted_mail_says_so_H32(kind: str) -> None:
    raw = f"Subject: x\nContent-Type: {kind}\n\n--x\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--x--\n"
    assert mailed(raw.encode()).why == "it is encrypted"


def test_archive_lies_beside_and_is_never_unpacked_G7_H13() -> None:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("newsletter.md", "0" * 50_000_000)
    found = mailed(mail("", files={"newsletter.md.zip": buffer.getvalue()}))
    assert "no text" in found.why
    assert found.files == (("newsletter.md.zip", buffer.getvalue()),)


def test_files_beyond_the_room_are_left_out_H14() -> None:
    found = mailed(mail("Hello.\n", files={"a.bin": b"x" * (MOST_OCTETS - 10), "b.bin": b"y" * 11, "c.bin": b"z"}))
    assert [name for name, _ in found.files] == ["a.bin", "c.bin"]


@pytest.mark.parametrize("files", [{"letter.docx": b"PK\3\4"}, {}])
def test_mail_without_words_says_what_is_read(files: dict[str, bytes]) -> None:
    assert "whose names end in .md" in mailed(mail(" \n", files=files)).why


def test_reader_answers_as_this_process_does() -> None:
    raw = mail("Hello.\n", files={"room.png": b"\0png"}, Subject="Grüße \U0001f600")
    with DraftReader() as reader:
        assert reader.read(raw) == mailed(raw)


def test_reader_that_takes_too_long_is_ended_and_says_so() -> None:
    with DraftReader(seconds=0.0001) as reader:
        assert "not done with it" in reader.read(mail()).why


@given(st.binary(max_size=400))
def test_whatever_comes_it_never_raises(rubbish: bytes) -> None:
    for raw in (rubbish, b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" + rubbish, mail("Hello.\n") + rubbish):
        found = mailed(raw)
        assert found.text.strip() or found.why
