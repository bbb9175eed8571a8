"""The parsers under fire, each as a function of octets that raises when one of its promises is broken."""

import json
from collections.abc import Callable

from balintmail.domain.judging import judge
from balintmail.domain.returns import Kind, Sentence
from balintmail.receiving import addresses, mail, process, report
from balintmail.receiving.attachments import attachments
from balintmail.receiving.automatic import is_automatic, is_receipt, is_robots
from balintmail.receiving.command import carries_token, command_in
from balintmail.receiving.complaint import is_complaint, read_complaint
from balintmail.receiving.provider_notice import read_notice
from balintmail.receiving.read import read
from balintmail.receiving.refusal import is_refusal, read_refusal
from balintmail.receiving.sanitise import clean
from balintmail.receiving.second_opinion import second_opinion
from balintmail.receiving.words_said import words_said

_DAEMON = b"From: MAILER-DAEMON@example.net\nTo: bounces@balint.example.org\nSubject: Undeliverable mail\n"
_FEEDBACK = b"From: a@example.net\nContent-Type: multipart/report; report-type=feedback-report; boundary=c\n\n--c\n"
_JSON = b"From: a@example.net\nContent-Type: text/plain\n\n{"
_MOST = 20_000  # results of one message


def _read(raw: bytes) -> None:
    event = read(raw)
    assert event.kind in Kind
    if event.kind not in {Kind.BOUNCE, Kind.COMPLAINT}:
        assert not event.results
    assert len(event.results) <= _MOST
    for one in event.results:
        assert "@" in one.address
        assert "\n" not in one.address
        assert len(one.address) <= addresses.LONGEST
    told = json.dumps(process._document(event), ensure_ascii=True)
    assert process._event(json.loads(told)) == event
    if b"\r" not in raw:
        assert read(raw.replace(b"\n", b"\r\n")) == event
        assert read(raw.replace(b"\n", b"\r")) == event


def _take_apart(raw: bytes) -> None:
    found = mail.take_apart(raw)
    assert len(found.leaves) <= mail.MOST_PARTS + 1
    assert len(found.headers.fields) <= mail.MOST_HEADERS + 1
    for leaf in found.leaves:
        assert len(leaf.text) <= mail.LONGEST_TEXT
    mail.as_plain(found.words)
    mail.decode_words(found.text[:1000])


def _report(raw: bytes) -> None:
    for group in report.groups(mail.take_apart(b"\n" + raw).text):
        addresses.of_field(group.get("final-recipient"))
    head = _DAEMON + b"Content-Type: message/delivery-status\n\n"
    assert len(report.read_report(mail.take_apart(head + raw))) <= _MOST


def _note(raw: bytes) -> None:
    found = mail.take_apart(_DAEMON + b"\n" + raw)
    is_refusal(found)
    read_refusal(found)
    for one in second_opinion(found):
        assert one.judged.sentence is not Sentence.HARD


def _complaint(raw: bytes) -> None:
    found = mail.take_apart(_FEEDBACK + raw)
    if is_complaint(found):
        read_complaint(found)


def _notice(raw: bytes) -> None:
    read_notice(mail.take_apart(_JSON + raw))


def _machine(raw: bytes) -> None:
    found = mail.take_apart(b"From: ada@example.net\nSubject: " + raw)
    if is_automatic(found) or is_receipt(found):
        assert is_robots(found)


def _words(raw: bytes) -> None:
    found = mail.take_apart(b"From: ada@example.net\n" + raw)
    text = words_said(found)
    assert len(text) <= 20_000
    command_in(found.headers.get("subject"), text)
    carries_token(found.headers.get("subject"))


def _letter(raw: bytes) -> None:
    found = mail.take_apart(b"From: ada@example.net\n" + raw)
    names = [one.name for one, _ in attachments(found)]
    assert len({name.casefold() for name in names}) == len(names)
    for name in names:
        assert name
        assert not name.startswith((".", "-"))
        assert not set(name) & set('/\\\0:*?"<>|\n\r')
    harmless = clean("".join(leaf.text for leaf in found.leaves)[:5000]).casefold()
    assert "<script" not in harmless
    assert 'href="javascript:' not in harmless


def _addresses(raw: bytes) -> None:
    text = raw.decode("utf-8", "surrogateescape")
    for one in addresses.every(text):
        cleaned = addresses.clean(one[0])
        assert len(cleaned) <= addresses.LONGEST
        assert not set(cleaned) & set("<>\n\0")
    addresses.of_field(text)


def _reasons(raw: bytes) -> None:
    text = raw.decode("utf-8", "surrogateescape")
    judged = judge(text)
    assert judge(text, lasting=False).sentence is Sentence.IGNORE
    assert judge(text[:1500]).reason is judge(text[:1500].replace(" ", "  ")).reason
    assert len(judged.status) < 20


TARGETS: dict[str, Callable[[bytes], None]] = {
    "read": _read,
    "take_apart": _take_apart,
    "report": _report,
    "note": _note,
    "complaint": _complaint,
    "notice": _notice,
    "machine": _machine,
    "words": _words,
    "letter": _letter,
    "addresses": _addresses,
    "reasons": _reasons,
}
