"""The contract's words about letters: check, preview, and the bytes of a delivered mail."""

import email
import email.policy
import re
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.support.instance import Instance

PICTURE = Path(__file__).parents[3] / "examples" / "pictures" / "nine-chairs.png"
LETTER = """---
title: "Groups, {{ person.name | default('reader') }}"
number: 84
preheader: Three groups
attachments: [programme.ics]
---

Dear {{ person.name | default("reader") }},

news[^1] of the [weekend](https://www.example.org/weekend).

| When       | What            |
|------------|-----------------|
| 14 January | Case discussion |

![Nine chairs](chairs.png)

{% if person.member %}
The members' secret.
{% endif %}

[^1]: A footnote.
"""


@pytest.fixture
def letter(society: Instance) -> Path:
    (society.folder / "programme.ics").write_text("BEGIN:VCALENDAR\n", "utf-8")
    (society.folder / "chairs.png").write_bytes(PICTURE.read_bytes())
    path = society.folder / "newsletter.md"
    path.write_text(LETTER, "utf-8")
    return path


def parsed(data: bytes) -> EmailMessage:
    return email.message_from_bytes(data, policy=email.policy.default)


def delivered(society: Instance) -> dict[str, EmailMessage]:
    return {str(one["to"]): one for one in map(parsed, society.letters())}


def test_mail_is_what_the_standards_ask_S1_S2_S8_S10_S12_S22_S23_S26(society: Instance, letter: Path) -> None:
    society("subscribe", "anna@example.org", "--name", "Kovács Anna", "--member")
    society("subscribe", "béla@példa.example.org")
    society("subscribe", "bea@példa.example.org")
    assert society("send", letter, "--yes").status == 0
    tokens = set()
    for data in society.letters():
        assert max(map(len, data.splitlines())) < 998
        head = data.replace(b"\r\n", b"\n").partition(b"\n\n")[0].decode()
        unfolded = re.sub(r"\n[ \t]", " ", head)
        names = [line.partition(":")[0].lower() for line in unfolded.splitlines()]
        assert len(names) == len(set(names))
        fields = dict(line.split(": ", 1) for line in unfolded.splitlines())
        assert fields["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert re.fullmatch(r"<https://balint\.example\.org/leave/\w+>, *<mailto:[^>]+>", fields["List-Unsubscribe"])
        assert len(fields["Feedback-ID"].split(":")) == 4
        assert fields["List-Post"] == "NO"
        for name in ("List-Id", "List-Help", "List-Owner", "List-Archive", "Message-ID", "List-Unsubscribe"):
            assert "=?" not in fields[name]
        assert fields["Message-ID"].endswith("@balint.example.org>")
        tokens.add(fields["List-Unsubscribe"])
        assert [kind.get_content_type() for kind in parsed(data).walk()] == [
            "multipart/mixed", "multipart/related", "multipart/alternative", "text/plain", "text/html", "image/png",
            "text/calendar",
        ]  # fmt: skip
    assert len(tokens) == 3
    assert "bea@xn--plda-bpa.example.org" in delivered(society)


def test_both_parts_say_the_same_and_only_members_see_their_part(society: Instance, letter: Path) -> None:
    society("subscribe", "anna@example.org", "--name", "Anna", "--member")
    society("subscribe", "tom@example.org", "--name", "O'Neill-Smith")
    assert society("send", letter, "--yes").status == 0
    found = delivered(society)
    for to, secret, name in (
        ("Anna <anna@example.org>", True, "Anna"),
        ("O'Neill-Smith <tom@example.org>", False, "O"),
    ):
        for part in (found[to].get_body(("plain",)), found[to].get_body(("html",))):
            assert part is not None
            content = part.get_content()
            assert ("members' secret" in content.replace("’", "'").replace("&#39;", "'")) is secret
            assert f"Dear {name}" in content
            assert "/leave/" in content
            assert "A footnote." in content
            assert "{{" not in content
            assert "{%" not in content
        assert found[to]["subject"].startswith(f"Groups, {name}")


def test_two_people_on_one_address_each_get_their_letter(society: Instance) -> None:
    for name in ("Ann", "Bea"):
        society("subscribe", "both@example.org", "--name", name)
    assert society.send("--yes", "--json").json["counts"]["accepted"] == 2
    assert set(delivered(society)) == {"Ann <both@example.org>", "Bea <both@example.org>"}


def test_names_in_every_script_and_hostile_ones_stay_themselves_A_E10(society: Instance, tmp_path: Path) -> None:
    names = ["李 明", "Bálint Mihály", "محمد علي", "Tāne Māhuta", 'Smith, John "JJ"', "=?utf-8?q?a=0D=0ABcc:_x@y?=",
             "From: x", "{{ 7*7 }}", "{% if x %}", "<script>x</script>", "50% off"]  # fmt: skip
    rows = "".join('p{}@example.org,"{}"\n'.format(i, name.replace('"', '""')) for i, name in enumerate(names))
    (tmp_path / "x.csv").write_text("email,name\n" + rows, "utf-8")
    said = ("--consent", "yes", "--collected", "2025-01-01", "--yes")
    assert society("people", "import", tmp_path / "x.csv", *said, "--json").json["new"] == len(names)
    society.write(title="For {{ person.name }}")
    assert society.send("--yes").status == 0
    found = {one["to"].addresses[0].addr_spec: one for one in map(parsed, society.letters())}
    assert len(found) == len(names)
    for i, name in enumerate(names):
        one = found[f"p{i}@example.org"]
        assert one["bcc"] is None
        if "=?" not in name:  # email.parser would decode what is plain text here
            assert one["to"].addresses[0].display_name == name
            assert one["subject"] == f"For {name}"
        text, html = one.get_body(("plain",)), one.get_body(("html",))
        assert text is not None
        assert html is not None
        assert f"Dear {name}," in text.get_content()
        assert "<script>" not in html.get_content()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("---\nnumber: 1\n---\nx", "title"),
        ("---\ntitle: T\n---\nx", "number"),
        ("---\ntitle: T\nnumber: 1\nlist: nope\n---\nx", "nope"),
        ("---\ntitle: T\nnumber: 1\n---\nDear {{ person.fistname }}", "person.fistname"),
        ("---\ntitle: T\nnumber: 1\n---\n{% if person.member %}x", "endif"),
        ("---\ntitle: T\nnumber: 1\n---\n![x](gone.png)", "gone.png"),
        ("---\ntitle: T\nnumber: 1\nattachments: [gone.pdf]\n---\nx", "gone.pdf"),
        ("---\ntitle: T\nnumber: 1\n---\n{{ ''.__class__ }}", "more than a letter may use"),
        ("---\ntitle: T\nnumber: 1\n---\n{% for x in range(10**9) %}a{% endfor %}", "for x"),
        ("---\ntitle: T\nnumber: 1\n---\n{% include '/etc/passwd' %}", "include"),
        ("---\ntitle: T\nnumber: 1\n---\n[x](javascript:alert)", "javascript"),
        ("---\ntitle: T\nnumber: 1\n---\n" + "words and words " * 8000, "102,000"),
    ],
)
def test_check_stops_and_send_sends_nobody_anything(society: Instance, text: str, word: str) -> None:
    society("subscribe", "anna@example.org")
    path = society.folder / "newsletter.md"
    path.write_text(text, "utf-8")
    done = society("check", path, "--json")
    assert (done.status, done.json["ok"]) == (1, False)
    stops = [each for each in done.json["findings"] if each["level"] == "stop"]
    assert all(set(each) == {"code", "level", "line", "message"} for each in stops)
    assert word in " ".join(each["message"] for each in stops)
    assert society("send", path, "--yes").status == 1
    assert society.letters() == []


def test_check_warns_with_numbers_over_the_whole_audience(society: Instance) -> None:
    society("subscribe", "anna@example.org", "--name", "Anna")
    society("subscribe", "b@example.org", "c@example.org")
    society.write(body="{{ person.name }} ![](x.png)\n\n[a](http://www.example.org/a) [b](https://www.example.org/b)")
    (society.folder / "x.png").write_bytes(PICTURE.read_bytes())
    done = society("check", society.folder / "newsletter.md", "--json")
    assert (done.status, done.json["ok"]) == (0, True)
    said = " ".join(each["message"] for each in done.json["findings"] if each["level"] == "warn")
    assert "person.name is empty for 2 of 3 people" in said
    assert "without https" in said
    assert "alternative text" in said


def test_check_without_a_public_address_warns_and_leaving_is_by_mail(society: Instance) -> None:
    settings = society.folder / "balintmail.toml"
    settings.write_text(re.sub(r"(?m)^url = \"https.*$", "", settings.read_text("utf-8")), "utf-8")
    society("subscribe", "anna@example.org")
    found = society("check", society.folder / "newsletter.md", "--json")
    assert (found.status, found.json["findings"][0]["level"]) == (0, "warn")
    assert society.send("--yes").status == 0
    (one,) = map(parsed, society.letters())
    assert one["list-unsubscribe-post"] is None
    assert "https" not in str(one["list-unsubscribe"])


def test_preview_writes_three_files_as_that_person_would_get_it(
    society: Instance, letter: Path, tmp_path: Path
) -> None:
    society("subscribe", "anna@example.org", "--name", "Anna", "--member")
    assert society("preview", letter, "--as", "anna@example.org", "--out", tmp_path / "out").status == 0
    found = {path.suffix: path for path in (tmp_path / "out").iterdir()}
    assert set(found) == {".html", ".txt", ".eml"}
    assert "Dear Anna" in found[".txt"].read_text("utf-8")
    assert parsed(found[".eml"].read_bytes())["to"] == "Anna <anna@example.org>"
    assert society("preview", letter, "--as", "nobody@example.org").status == 1


def test_new_writes_the_next_number_and_never_overwrites(society: Instance) -> None:
    society("subscribe", "anna@example.org")
    society.send("--yes")
    other = society.folder / "next.md"
    done = society("new", other, "--json")
    assert (done.status, str(done.json["number"])) == (0, "85")
    assert society("new", other).status == 1
    assert society("check", other).status == 0
