"""A letter comes back, from the outbox to `returns`: as the Secretary and programs see it."""

from email import message_from_bytes
from pathlib import Path

import pytest

from tests.support.command import Finished, call, founded, process

LETTER = """---
number: 84
title: Groups this winter
---

Dear {{ person.first_name | default("reader") }}, all is well.
"""
ANNA, BELA = "anna@example.org", "bela@example.net"


class Instance:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *args: str) -> Finished:
        return call("-C", self.folder, *args)

    def message_id(self, address: str) -> str:
        """Return the Message-ID of the letter that went to an address."""
        for file in (self.folder / "outbox" / "new").iterdir():
            message = message_from_bytes(file.read_bytes())
            if address in str(message["To"]):
                return str(message["Message-ID"])
        raise LookupError(address)

    def comes_back(self, address: str, words: str, status: str) -> None:
        """Give `inbox pipe` what Postfix sends when a letter to an address failed."""
        report = f"""From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
To: secretary@balint.example.org
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="part"

--part
Content-Type: text/plain

<{address}>: host mx.example.net said: {words}

--part
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; {address}
Action: failed
Status: {status}
Diagnostic-Code: smtp; {words}

--part
Content-Type: text/rfc822-headers

Message-ID: {self.message_id(address)}
To: {address}

--part--
"""
        assert process("-C", self.folder, "inbox", "pipe", stdin=report).status == 0


@pytest.fixture
def society(tmp_path: Path) -> Instance:
    folder = tmp_path / "i"
    founded(folder)
    instance = Instance(folder)
    instance("subscribe", ANNA, BELA)
    (folder / "84.md").write_text(LETTER)
    assert instance("send", str(folder / "84.md"), "--yes").status == 0
    return instance


def test_a_letter_that_comes_back_is_seen_from_every_side(society: Instance) -> None:
    society("people", "edit", ANNA, "--add-address", "anna.second@example.org")
    society.comes_back(ANNA, "550 5.1.1 User unknown", "5.1.1")
    society.comes_back(BELA, "552 5.2.2 mailbox full", "5.2.2")
    bela, anna = society("returns", "list", "--json").json
    assert (anna["address"], anna["verdict"], anna["reason"], anna["proven"]) == (ANNA, "hard", "no_such_user", True)
    assert (bela["address"], bela["reason"], bela["weight"]) == (BELA, "mailbox_full", 1)
    assert anna["mailing"] == "newsletter/84"
    [dead] = society("returns", "dead", "--json").json
    assert (dead["address"], dead["state"], dead["reason"]) == (ANNA, "gone", "no_such_user")
    assert dead["people"][0]["addresses"] == ["anna.second@example.org"]
    assert "anna.second@example.org" in society("returns", "dead").out
    shown = society("people", "show", ANNA, "--json").json
    assert shown["addresses"][0]["state"] == "suppressed"
    [moment] = [each for each in shown["timeline"] if "message" in each]
    assert moment["message"] == anna["message"]
    assert "no such user" in moment["what"]
    raw = society("inbox", "show", str(anna["message"]), "--raw")
    assert "User unknown" in raw.out


def test_an_address_that_was_seen_to_is_struck_off(society: Instance) -> None:
    society.comes_back(ANNA, "550 5.1.1 User unknown", "5.1.1")
    assert society("returns", "done", ANNA, "--json").json == [{"address": ANNA, "result": "done"}]
    assert society("returns", "done", ANNA, "--json").json == [{"address": ANNA, "result": "already"}]
    assert society("returns", "dead", "--json").json == []
    assert society("people", "show", ANNA, "--json").json["addresses"][0]["state"] == "suppressed"
    assert society("returns", "done", "nobody@example.org").status == 1


def test_nothing_that_came_back_reads_as_such(society: Instance) -> None:
    assert society("returns", "list").out == "Nothing came back.\n"
    assert "Every address is mailed" in society("returns", "dead").out
    assert society("returns", "list", "nobody").status == 1


def test_a_mailing_tells_how_many_of_its_letters_came_back(society: Instance) -> None:
    before = society("mailings", "show", "newsletter/84")
    assert "came back" not in before.out
    society.comes_back(ANNA, "550 5.1.1 User unknown", "5.1.1")
    society.comes_back(ANNA, "550 5.1.1 Unknown user", "5.1.1")
    society.comes_back(BELA, "552 5.2.2 mailbox full", "5.2.2")
    assert society("mailings", "show", "newsletter/84", "--json").json["came_back"] == {"bounced": 2, "complained": 0}
    shown = society("mailings", "show", "newsletter/84").out
    assert "came back    2" in shown
    assert "complained" not in shown


def test_a_report_is_filed_under_whom_it_is_about_and_not_said_to_be_from_them(society: Instance) -> None:
    society.comes_back(ANNA, "550 5.1.1 User unknown", "5.1.1")
    shown = society("inbox", "show", "1").out
    assert "says from MAILER-DAEMON@mx.example.net (Mail Delivery System)\n" in shown
    assert "filed     no name, person 2" in shown


def test_a_confirmation_that_comes_back_makes_the_request_wait_for_the_secretary(society: Instance) -> None:
    stranger = "mistyped@example.net"
    with (society.folder / "balintmail.toml").open("a") as settings:
        settings.write('\n[bounces]\naddress = "bounces@balint.example.org"\n')
    asks = f"From: {stranger}\nTo: secretary@balint.example.org\nSubject: join\n\n"
    assert process("-C", society.folder, "inbox", "pipe", stdin=asks).status == 0
    assert society("requests", "list", "--json").json[0]["waits_for"] == "the address to confirm"
    assert society("dispatch").status == 0
    society.comes_back(stranger, "550 5.1.1 User unknown", "5.1.1")
    told = "you (our mail to it came back: no such user)"
    assert society("requests", "list", "--json").json[0]["waits_for"] == told
    assert told in society("requests", "show", "1").out
