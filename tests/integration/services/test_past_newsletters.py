"""Newsletters of earlier years come in from files of five kinds, once, without a trace of who got them."""

import io
import os
import shutil
from datetime import date
from email.message import EmailMessage
from pathlib import Path

import pytest
import sqlalchemy as sa
from reportlab.pdfgen import canvas

from balintmail.db import archive as rows
from balintmail.db.models import Mailing
from balintmail.db.schema import Base
from balintmail.domain.states import Visibility
from balintmail.errors import NotFound
from balintmail.services import archive, copy_finding, reading_rights, search
from balintmail.services.context import Context
from balintmail.services.past_newsletters import Order, Result, Taken, take_in
from tests.support.society import found


@pytest.fixture
def society(context: Context) -> Context:
    found(context)
    return context


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A folder as a Secretary finds it."""
    folder = tmp_path / "old"
    (folder / "1990s").mkdir(parents=True)
    (folder / "1990s" / "newsletter-9 1998-05.md").write_text("# Spring\n\nDear all, {{ gone }}\n\n![x](lost.png)\n")
    (folder / "2019-04-01.html").write_bytes(
        '<html lang="de"><meta charset=iso-8859-1><title>Rundbrief Nr. 13</title><p>Grüße aus Győr'.encode(
            "latin-1", "xmlcharrefreplace"
        )
    )
    (folder / "number 12, 2019-03-01.pdf").write_bytes(pdf("Anxiety and defence in the group"))
    (folder / "n14.eml").write_bytes(mail("Newsletter 14").as_bytes())
    box = b"".join(b"From x@example.org Fri Mar  1 10:00:00 2019\n" + mail(f"News {n}").as_bytes() for n in (15, 16))
    (folder / "all.mbox").write_bytes(box)
    (folder / "photo.jpg").write_bytes(b"no newsletter")
    (folder / ".hidden.md").write_text("# Hidden 1999-01-01")
    return folder


def pdf(*pages: str) -> bytes:
    kept = io.BytesIO()
    page = canvas.Canvas(kept)
    for words in pages:
        page.drawString(72, 700, words)
        page.showPage()
    page.save()
    return kept.getvalue()


def mail(subject: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Society <news@example.org>"
    message["To"] = "Anna Quellenreiter <anna@example.net>"
    message["Date"] = "Wed, 05 Jun 2019 10:00:00 +0100"
    message["Subject"] = subject
    message.set_content("plain")
    message.add_alternative(
        f"<p>Dear Anna,</p><p>This is <b>{subject}</b> for Anna Quellenreiter, anna@example.net.</p>"
        '<img src="https://example.org/track.gif?u=7" alt="">'
        '<p><a href="https://example.org/x?e=anna%40example.net">read on</a> '
        '<a href="https://example.org/unsubscribe?t=SECRET77">leave</a> <a href="https://example.org/a">A page</a></p>',
        subtype="html",
    )
    return message


def taken(ctx: Context, path: Path, *, write: bool = True, **more: object) -> list[Taken]:
    return list(take_in(ctx, Order(path, write=write, **more)))  # type: ignore[arg-type]


def results(of: list[Taken]) -> dict[str, tuple[Result, str, date | None]]:
    return {one.file: (one.result, one.number, one.on) for one in of}


def counted(ctx: Context) -> dict[str, int]:
    with ctx.db.read() as tx:
        return {
            table.name: tx.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in Base.metadata.sorted_tables
        }


def words(ctx: Context, number: str) -> str:
    return archive.newsletter(ctx, "newsletter", number, lambda name: name).words


def test_files_of_every_kind_come_in_with_day_number_and_title(society: Context, old: Path) -> None:
    assert results(taken(society, old)) == {
        "1990s/newsletter-9 1998-05.md": (Result.NEW, "9", date(1998, 5, 1)),
        "2019-04-01.html": (Result.NEW, "13", date(2019, 4, 1)),
        "all.mbox #1": (Result.NEW, "15", date(2019, 6, 5)),
        "all.mbox #2": (Result.NEW, "16", date(2019, 6, 5)),
        "n14.eml": (Result.NEW, "14", date(2019, 6, 5)),
        "number 12, 2019-03-01.pdf": (Result.NEW, "12", date(2019, 3, 1)),
    }
    with society.db.read() as tx:
        shelf = [(one.number, one.title) for one in rows.of_list(tx, "newsletter", most=10)]
    assert ("9", "Spring") in shelf
    assert shelf[-1][0] == "9"  # by the day on which it came out
    assert "Grüße aus Győr" in words(society, "13")
    assert "{{ gone }}" in words(society, "9")
    assert "<img" not in words(society, "9")
    assert archive.newsletter(society, "newsletter", "13", str).language == "de"


def test_whoever_got_a_mail_leaves_no_trace_S49(society: Context, old: Path) -> None:
    taken(society, old)
    for number in ("14", "15", "16"):
        text = words(society, number)
        assert "Dear reader" in text
        for trace in ("Anna", "Quellenreiter", "anna@", "anna%40", "SECRET77", "track.gif"):
            assert trace not in text
        assert 'href="https://example.org/a"' in text
    with society.db.read() as tx:
        kept = str(tx.execute(sa.text("SELECT source, compiled FROM mailing_contents")).all())
    assert "uellenreiter" not in kept
    assert "SECRET77" not in kept


def test_second_run_changes_nothing(society: Context, old: Path) -> None:
    taken(society, old)
    before = counted(society)
    again = taken(society, old)
    assert {one.result for one in again} == {Result.UNCHANGED}
    shutil.copy(old / "n14.eml", old / "a copy under another name.eml")
    assert {one.result for one in taken(society, old)} == {Result.UNCHANGED}
    assert counted(society) == before


def test_dry_run_says_the_same_and_writes_nothing(society: Context, old: Path) -> None:
    before = counted(society)
    dry = taken(society, old, write=False)
    assert counted(society) == before
    assert not (society.folder / "files").exists()
    assert results(dry) == results(taken(society, old))


def test_pdf_is_searched_and_kept_as_it_was(society: Context, old: Path) -> None:
    taken(society, old)
    assert [hit.newsletter.number for hit in search.find(society, "anxiety").hits if hit.newsletter] == ["12"]
    digest, name = archive.file(society, "newsletter", "12")
    assert name == "number 12, 2019-03-01.pdf"
    assert (society.folder / "files" / digest[:2] / digest).read_bytes() == (old / name).read_bytes()
    with pytest.raises(NotFound):
        archive.file(society, "newsletter", "14")


def test_what_is_for_members_shows_neither_words_nor_file(society: Context, old: Path) -> None:
    taken(society, old, visibility=Visibility.MEMBERS)
    assert words(society, "12") == ""
    assert not search.find(society, "anxiety").hits
    with pytest.raises(NotFound):
        archive.file(society, "newsletter", "12")


def test_nobody_is_mailed_and_copies_know_them(society: Context, old: Path) -> None:
    taken(society, old)
    with society.db.read() as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(Base.metadata.tables["deliveries"])) == 0
        asked = copy_finding.find(society, tx, "newsletter/14")
        assert asked is not None
        assert reading_rights.is_open(society, tx, asked.target)


def test_number_that_is_taken_stays_what_it_is_D1(society: Context, old: Path) -> None:
    taken(society, old)
    (old / "again").mkdir()
    (old / "again" / "n14 2020-01-01.md").write_text("# Other words")
    other = results(taken(society, old / "again"))
    assert other["n14 2020-01-01.md"][0] is Result.REFUSED
    (old / "again" / "a").mkdir()
    for name in ("n77 2020-01-01.md", "n77 2020-01-02.md"):
        (old / "again" / "a" / name).write_text(f"# {name}")
    one, two = taken(society, old / "again" / "a")
    assert (one.result, two.result) == (Result.NEW, Result.REFUSED)
    assert "n77 2020-01-01.md" in two.reason


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("2019-01-01 n1.pdf", b"%PDF-1.4 rubbish", "damaged"),
        ("2019-01-01 n1.pdf", b"no pdf", "no PDF"),
        ("2019-01-01 n1.md", b"\xff\xfe\x00\xd8", "text"),
        ("2019-01-01 n1.md", b"a\0b", "NUL"),
        ("2019-01-01 n1.md", b"  \n", "empty"),
        ("2019-01-01 n1.html", b"<style>p{}</style>", "no words"),
        ("n1.md", b"# No day", "when it came out"),
        ("2999-01-01 n1.md", b"# Of the future", "when it came out"),
        ("n1.md", b"---\ndate: 2999-01-01\ntitle: x\n---\nwords", "no day"),
        ("n1.md", b"---\ndate: yesterday\ntitle: x\n---\nwords", "cannot be read"),
        ("n1.md", b"---\ntitle: [x\n---\nwords", "cannot be read"),
        ("all.mbox", b"nothing of a mailbox", "no mailbox"),
        ("2019-01-01 n1.eml", b"Subject: x\n\n-----BEGIN PGP MESSAGE-----\n", "encrypted"),
    ],
)
def test_file_that_is_no_newsletter_is_refused_with_its_reason(
    society: Context, tmp_path: Path, name: str, content: bytes, why: str
) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / name).write_bytes(content)
    before = counted(society)
    (one,) = taken(society, folder)
    assert one.result is Result.REFUSED
    assert why in one.reason
    assert counted(society) == before


def test_files_of_the_windows_of_their_time_come_in_with_their_names_G3(society: Context, tmp_path: Path) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    strange = os.fsencode(folder) + "/2019-01-01 Frühling".encode("cp1252") + b"\x1b\x81.txt"
    Path(os.fsdecode(strange)).write_bytes("# Grüße\r\n\r\naus Köln – „vom“ See\r\n".encode("cp1252"))
    (one,) = taken(society, folder)
    assert (one.result, one.title, one.number) == (Result.NEW, "Grüße", "2019-01-01-fruhling")
    assert one.file.startswith("2019-01-01 Frühling\N{REPLACEMENT CHARACTER}")
    assert "Köln – „vom“ See" in words(society, "2019-01-01-fruhling")
    assert [each.result for each in taken(society, folder)] == [Result.UNCHANGED]


def test_links_and_pictures_outside_the_folder_are_not_followed_F10(society: Context, tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("# Secret 2019-01-01")
    (tmp_path / "secret.png").write_bytes(b"\x89PNG secret")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "link.md").symlink_to(tmp_path / "secret.md")
    (folder / "up").symlink_to(tmp_path)
    (folder / "n5 2019-01-01.md").write_text("# Up\n\n![way out](../secret.png)\n\n![abs](/etc/passwd)\n")
    (one,) = taken(society, folder)
    assert one.result is Result.NEW
    assert "<img" not in words(society, "5")


def test_letters_of_this_program_keep_their_settings(society: Context, tmp_path: Path) -> None:
    head = "---\ntitle: Own\nnumber: 3\ndate: 2020-02-29\nvisibility: members\nlanguage: hu\n---\n"
    letter = head + "Kedves {{ person.name }}!"
    (tmp_path / "any.md").write_text(letter)
    (one,) = taken(society, tmp_path / "any.md")
    assert (one.number, one.on, one.title) == ("3", date(2020, 2, 29), "Own")
    with society.db.read() as tx:
        row = tx.execute(sa.select(Mailing.visibility, Mailing.frozen_at).where(Mailing.number == "3")).one()
    assert row.visibility is Visibility.MEMBERS
    assert row.frozen_at.astimezone(society.settings.zone).date() == date(2020, 2, 29)


def test_folder_and_list_that_are_not_there_are_refused(society: Context, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        taken(society, tmp_path / "nowhere")
    with pytest.raises(NotFound):
        taken(society, tmp_path, list="nowhere")
