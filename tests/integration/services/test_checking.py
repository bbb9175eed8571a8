"""`check` over a real register: everything that stops or warns, with its line."""

from pathlib import Path

import pytest

from balintmail.composing.compile import compile_letter
from balintmail.composing.letter import read_letter
from balintmail.composing.lint import Finding, Level
from balintmail.config import Send, Settings, Society
from balintmail.db import mailings
from balintmail.domain.states import MailingKind, MailingState
from balintmail.resources import templates_folder
from balintmail.services import lists, surroundings
from balintmail.services.checking import Report, Wanted, check
from balintmail.services.context import Context
from tests.support.register import NOW, a_list, a_person, a_secretary, on_list, readers

HEAD = '---\ntitle: "Groups this winter"\nnumber: 84\n---\n\n'
GOOD = (
    HEAD + "Dear {{ person.first_name | default('reader') }},\n\nthree new groups begin in January, and one in May.\n"
)
BALANCED = Society(name="The Example Balint Society", url="https://balint.example.org", address="1 Example Street")


@pytest.fixture
def settings() -> Settings:
    return Settings(society=BALANCED)


@pytest.fixture
def register(context: Context) -> Context:
    """A list of three readers: a member from Pécs, somebody without a first name, somebody paused never."""
    with context.db.write() as tx:
        a_secretary(tx)
        number = a_list(tx)
        for address, values in (
            ("maria@example.org", {"name": "Mária", "first_name": "Mária", "member": True, "fields": {"town": "Pécs"}}),
            ("ming@example.org", {"name": "李 明", "fields": {"town": " "}}),
            ("tom@example.net", {"name": "Tom", "first_name": "Tom"}),
        ):
            on_list(tx, a_person(tx, address, **values), number)
    return context


def written(ctx: Context, text: str) -> Path:
    path = ctx.folder / "newsletter.md"
    path.write_text(text, "utf-8")
    return path


def checked(ctx: Context, text: str, wanted: Wanted | None = None) -> Report:
    return check(ctx, written(ctx, text), wanted)


def only(report: Report) -> Finding:
    assert len(report.findings) == 1, report.findings
    return report.findings[0]


def test_good_letter_has_no_finding_and_names_its_audience(register: Context) -> None:
    report = checked(register, GOOD)
    assert report.findings == []
    assert report.ok
    assert report.counts
    assert report.counts.reached == 3
    assert report.largest_html > 5_000


@pytest.mark.parametrize(
    ("text", "code", "line", "told"),
    [
        ("---\nnumber: 84\n---\nHello", "no_title", 0, "no title"),
        ('---\ntitle: "x"\n---\nHello', "no_number", 0, "neither a number nor a slug"),
        ('---\ntitle: "x"\nnumber: 1\nlist: jurnal\n---\nHello', "unknown_list", 4, "jurnal"),
        (HEAD + "{{ person.fistname }}", "unknown_field", 6, "person.first_name"),
        (HEAD + "{% if person.member %}\nx", "syntax", 6, "endif"),
        (HEAD + "{{ 7 * 7 }}", "syntax", 6, "7 * 7"),
        (HEAD + "![Chairs](missing.png)", "picture", 6, "missing.png"),
        ('---\ntitle: "x"\nnumber: 1\nattachments: [gone.pdf]\n---\nHello', "attachment", 4, "gone.pdf"),
        ("---\ntitle: [\n---\n", "front_matter", 2, ""),
    ],
)
def test_letter_is_stopped_with_its_line(register: Context, text: str, code: str, line: int, told: str) -> None:
    report = checked(register, text)
    stop = report.findings[0]
    assert (stop.code, stop.level) == (code, Level.STOP)
    assert not report.ok
    assert told in stop.message
    if line:
        assert stop.line == line


def test_all_faults_of_one_reading_are_named(register: Context) -> None:
    report = checked(register, HEAD + "{{ person.a }}\n\n{{ person.b }}\n")
    assert [(finding.code, finding.line) for finding in report.findings] == [("unknown_field", 6), ("unknown_field", 8)]


def test_missing_file_is_a_stop(register: Context) -> None:
    report = check(register, register.folder / "nowhere.md")
    assert only(report).level is Level.STOP
    assert "nowhere.md" in only(report).message
    assert "no such file" in only(report).message


def test_field_that_is_empty_for_some_is_counted_over_the_whole_audience(register: Context) -> None:
    finding = only(checked(register, HEAD + "Dear {{ person.first_name }} of {{ person.town | default('there') }},\n"))
    assert (finding.code, finding.level, finding.line) == ("empty_field", Level.WARN, 6)
    assert "1 of 3 people" in finding.message
    finding = only(checked(register, HEAD + "You live in {{ person.town }}, do you not, all of you?\n"))
    assert "2 of 3 people" in finding.message


def test_filter_narrows_the_audience_that_is_tried(register: Context) -> None:
    report = checked(register, HEAD + "You live in {{ person.town }}, do you not?\n", Wanted(where="member"))
    assert report.findings == []
    assert report.counts
    assert report.counts.reached == 1


def test_empty_list_warns_and_the_letter_is_read_all_the_same_J3(context: Context) -> None:
    with context.db.write() as tx:
        a_secretary(tx)
        a_list(tx)
    report = checked(context, GOOD + "\n![](https://far.example.net/a.png)\n")
    assert report.ok
    assert {finding.code for finding in report.findings} == {"nobody", "picture_alt", "picture_remote"}


def test_no_public_address_warns(register: Context) -> None:
    bare = Settings(society=Society(name="The Example Balint Society"))
    ctx = Context(register.db, register.clock, register.keyring, bare, register.actor, register.folder)
    report = checked(ctx, GOOD)
    assert [(finding.code, finding.level) for finding in report.findings] == [
        ("no_public_address", Level.WARN),
        ("no_postal_address", Level.NOTE),
    ]
    assert report.ok


def test_members_part_is_read_for_faults_too(register: Context) -> None:
    text = GOOD + "\n{% if person.member %}\n[old](http://x.example.org/members)\n{% endif %}\n"
    finding = only(checked(register, text))
    assert (finding.code, finding.line) == ("link_insecure", 11)


def test_both_branches_may_hold_the_same_link_once_each(register: Context) -> None:
    link = "[the programme](https://x.example.org/p)"
    text = GOOD + f"\n{{% if person.member %}}\nSee {link}, member.\n{{% else %}}\nSee {link}, friend.\n{{% endif %}}\n"
    assert checked(register, text).findings == []


def test_leave_links_may_be_repeated(register: Context) -> None:
    text = GOOD + "\n[Leave]({{ urls.unsubscribe }}), or [leave]({{ urls.unsubscribe }}) later.\n"
    assert checked(register, text).findings == []


def limited(register: Context, **send: int) -> Context:
    some = Settings(society=BALANCED, send=Send(**send))  # type: ignore[arg-type]
    return Context(register.db, register.clock, register.keyring, some, register.actor, register.folder)


def test_size_is_measured_for_each_recipient_S27(register: Context) -> None:
    with register.db.write() as tx:
        long = a_person(tx, "long@example.org", first_name="L" * 9_000, fields={"town": "T" * 9_000})
        on_list(tx, long, 1)
    text = HEAD + "Dear {{ person.first_name | default('x') }} of {{ person.town | default('x') }},\n\nmay is near."
    ordinary = checked(register, text.replace("person.first_name", "person.name")).largest_html
    report = checked(limited(register, max_html_bytes=20_000), text)
    stop = report.findings[0]
    assert (stop.code, stop.level) == ("html_too_large", Level.STOP)
    assert "1 person" in stop.message
    assert report.largest_html > 18_000
    assert ordinary < report.largest_html


def test_size_near_the_limit_warns_and_above_it_stops_S27(register: Context) -> None:
    near = checked(register, GOOD + "word " * 16_500)
    assert [finding.code for finding in near.findings] == ["html_large"]
    assert near.ok
    over = checked(register, GOOD + "word " * 20_000)
    assert [finding.code for finding in over.findings] == ["html_too_large"]
    assert not over.ok


def test_one_reading_names_every_missing_file_beside_every_other_fault(register: Context) -> None:
    head = '---\ntitle: "x"\nnumber: 1\nattachments: [gone.pdf, away.ics]\n---\n\n'
    report = checked(register, head + "Dear {{ person.fistname }},\n\n![A](a.png)\n\n![B](b.png)\n")
    assert [(each.code, each.line) for each in report.findings] == [
        ("attachment", 4), ("attachment", 4), ("unknown_field", 7), ("picture", 9), ("picture", 11),
    ]  # fmt: skip


def test_attachment_over_the_limit_stops(register: Context) -> None:
    (register.folder / "a.txt").write_text("x" * 600, "utf-8")
    (register.folder / "b.txt").write_text("x" * 600, "utf-8")
    head = '---\ntitle: "x"\nnumber: 1\nattachments:\n  - a.txt\n  - b.txt\n---\n\nA letter with two things attached.\n'
    one = checked(limited(register, max_attachment_bytes=500), head).findings[0]
    assert (one.code, one.level, one.line) == ("attachment_too_large", Level.STOP, 5)
    both = checked(limited(register, max_attachment_bytes=1_000), head).findings[0]
    assert (both.code, both.level, both.line) == ("attachment_too_large", Level.STOP, 4)
    assert checked(limited(register, max_attachment_bytes=2_000), head).findings == []


def sent(ctx: Context, text: str) -> None:
    letter = read_letter(written(ctx, text))
    with ctx.db.write() as tx:
        row = lists.named(tx)
        compiled = compile_letter(letter, surroundings.gather(ctx, tx, row))
        new = mailings.NewMailing(
            row.id, MailingKind.NEWSLETTER, "x", compiled.content_hash, MailingState.SCHEDULED, number=letter.number
        )
        made = mailings.add(tx, new, now=NOW)
        mailings.begin(tx, made, content_hash=compiled.content_hash, start_at=None, now=NOW)


def test_number_already_sent_with_other_content_stops_D1(register: Context) -> None:
    sent(register, GOOD)
    same = only(checked(register, GOOD))
    assert (same.code, same.level, same.line) == ("already_sent", Level.NOTE, 3)
    other = only(checked(register, GOOD.replace("January", "February")))
    assert (other.code, other.level, other.line) == ("number_taken", Level.STOP, 3)


def test_one_persons_impossible_data_warns_and_stops_nobody(register: Context) -> None:
    with register.db.write() as tx:
        on_list(tx, a_person(tx, "odd@example.org", first_name="x" * 20_000), 1)
    finding = only(checked(register, GOOD))
    assert (finding.code, finding.level) == ("impossible_data", Level.WARN)
    assert "1 person" in finding.message
    assert "odd@example.org" not in finding.message


def test_check_writes_nothing(register: Context) -> None:
    before = sorted(path.name for path in register.folder.iterdir())
    written(register, GOOD)
    check(register, register.folder / "newsletter.md")
    with register.db.read() as tx:
        assert mailings.every(tx) == []
    assert sorted(path.name for path in register.folder.iterdir()) == sorted({*before, "newsletter.md"})


def test_no_secretary_is_a_stop(context: Context) -> None:
    with context.db.write() as tx:
        readers(tx, a_list(tx), 1)
    stop = only(checked(context, GOOD))
    assert stop.level is Level.STOP
    assert "Secretary" in stop.message


def test_broken_template_of_the_instance_is_a_stop(register: Context) -> None:
    folder = register.folder / "templates" / "emails" / "newsletter"
    folder.mkdir(parents=True)
    (folder / "layout.mjml").write_text("{% if %}", "utf-8")
    stop = only(checked(register, GOOD))
    assert (stop.code, stop.level) == ("template", Level.STOP)
    assert "layout.mjml, line 1" in stop.message


def test_template_without_a_way_out_is_stopped_E14(register: Context) -> None:
    folder = register.folder / "templates" / "emails" / "frame"
    folder.mkdir(parents=True)
    for name in ("first_line.mjml", "foot.mjml"):
        (folder / name).write_text("", "utf-8")
    assert checked(register, GOOD).findings[0].code == "no_leave_link"


def test_example_number_passes_without_a_warning(register: Context) -> None:
    path = templates_folder().parent / "examples" / "newsletter.md"
    report = check(register, path)
    assert report.findings == []
    assert report.largest_html < 40_000


def test_pale_colours_of_an_instance_warn_with_the_nearest_that_passes_S28(register: Context) -> None:
    folder = register.folder / "templates" / "emails"
    folder.mkdir(parents=True)
    shipped = (templates_folder() / "emails" / "tokens.toml").read_text("utf-8")
    (folder / "tokens.toml").write_text(shipped.replace('muted = "#56616a"', 'muted = "#bbbbbb"'), "utf-8")
    findings = checked(register, GOOD).findings
    assert {(finding.code, finding.level) for finding in findings} == {("contrast", Level.WARN)}
    assert "nearest: #" in findings[0].message
