"""Pictures and attachments come from the letter's own folder, are what they say, and arrive as they were."""

import os
from pathlib import Path

import pytest

from balintmail.composing.refusals import AttachmentRefused, PictureRefused
from tests.support.composing import assert_well_formed, compiled, merger, parsed, reader

PNG = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
    + (640).to_bytes(4, "big")
    + (480).to_bytes(4, "big")
    + b"\x08\x02\0\0\0"
    + b"x" * 200
)
GIF = b"GIF89a" + (320).to_bytes(2, "little") + b"\x01\0"
JPEG = b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x11\x08\x01\0\x02\0" + b"\0" * 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "letter"
    (inside / "pictures").mkdir(parents=True)
    (inside / "pictures" / "chairs.png").write_bytes(PNG)
    (inside / "Jahresbericht für 2026.pdf").write_bytes(b"%PDF-1.7\n" + bytes(range(256)))
    (tmp_path / "outside.png").write_bytes(PNG)
    return inside


def test_local_picture_becomes_an_inline_part_named_by_its_content(folder: Path) -> None:
    letter = merger("![Nine chairs](pictures/chairs.png)", folder=folder)
    raw = letter.compose(reader()).data
    assert_well_formed(raw)
    message = parsed(raw)
    (picture,) = [piece for piece in message.walk() if piece.get_content_type() == "image/png"]
    assert picture.get_content() == PNG
    assert picture.get_content_disposition() == "inline"
    assert picture["Content-ID"].endswith("@balint.example.org>")
    assert f'src="cid:{picture["Content-ID"].strip("<>")}"' in letter.html(reader())
    assert 'width="536"' in letter.html(reader())


def test_same_picture_twice_is_enclosed_once(folder: Path) -> None:
    letter = merger("![a](pictures/chairs.png)\n\n![b](./pictures/chairs.png)", folder=folder)
    assert letter.compose(reader()).data.count(b"Content-ID:") == 1


def test_picture_of_a_members_part_goes_only_to_members(folder: Path) -> None:
    letter = merger("Hello.\n\n{% if person.member %}\n![a](pictures/chairs.png)\n{% endif %}", folder=folder)
    assert letter.compose(reader(member=True)).data.count(b"Content-ID:") == 1
    without = letter.compose(reader(member=False)).data
    assert b"Content-ID:" not in without
    assert_well_formed(without)
    assert parsed(without).get_content_type() == "multipart/related"


@pytest.mark.parametrize(("content", "width"), [(PNG, 640), (GIF, 320), (JPEG, 512)])
def test_natural_width_is_read_from_the_file(content: bytes, width: int, tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(content)
    assert f'width="{min(width, 536)}"' in merger("![a](p)", folder=tmp_path).html(reader())


def test_attachment_arrives_as_it_was_with_its_name_by_rfc_2231(folder: Path) -> None:
    front = "title: T\nnumber: 1\nattachments:\n  - Jahresbericht für 2026.pdf"
    raw = merger("Hello.", front=front, folder=folder).compose(reader()).data
    assert_well_formed(raw)
    (attached,) = parsed(raw).iter_attachments()
    assert attached.get_filename() == "Jahresbericht für 2026.pdf"
    assert attached.get_content_type() == "application/pdf"
    assert attached.get_content() == (folder / "Jahresbericht für 2026.pdf").read_bytes()


def test_structure_is_alternative_in_related_in_mixed_S22(folder: Path) -> None:
    front = "title: T\nnumber: 1\nattachments: pictures/chairs.png"
    raw = merger("![a](pictures/chairs.png)", front=front, folder=folder).compose(reader()).data
    assert [piece.get_content_type() for piece in parsed(raw).walk()] == [
        "multipart/mixed",
        "multipart/related",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "image/png",
        "image/png",
    ]


@pytest.mark.parametrize(
    "name",
    [
        "../outside.png",
        "pictures/../../outside.png",
        "pictures/../pictures/chairs.png",
        "..%2foutside.png",
        "%2e%2e/outside.png",
        "%2e%2e%2foutside.png",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "file%00.png",
        "~root/x.png",
        "link.png",
        "linked/outside.png",
        "pictures",
        "missing.png",
        "..%5coutside.png",
        "%5c%5chost%5cshare.png",
        "x" * 300 + ".png",
        "loop.png",
        "pipe.png",
        "CON",
    ],
)
def test_picture_outside_the_letters_folder_is_refused_D9_D10(name: str, folder: Path) -> None:
    (folder / "link.png").symlink_to(folder.parent / "outside.png")
    (folder / "linked").symlink_to(folder.parent, target_is_directory=True)
    (folder / "loop.png").symlink_to(folder / "loop.png")
    os.mkfifo(folder / "pipe.png")
    with pytest.raises(PictureRefused) as caught:
        compiled(f"Hello.\n\n![x]({name})", folder=folder)
    assert caught.value.line == 8


@pytest.mark.parametrize("name", ["../outside.png", "/etc/passwd", "missing.pdf", ".", "a\\b", "link.png"])
def test_attachment_outside_the_letters_folder_is_refused_D9(name: str, folder: Path) -> None:
    (folder / "link.png").symlink_to(folder.parent / "outside.png")
    with pytest.raises(AttachmentRefused) as caught:
        compiled("Hello.", front=f"title: T\nnumber: 1\nattachments:\n  - '{name}'", folder=folder)
    assert caught.value.line == 5


@pytest.mark.parametrize(
    "content",
    [b"<html><script>alert(1)</script></html>", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"", b"GIF", b"\x89PNG"],
)
def test_file_that_is_no_picture_is_refused_whatever_its_name_D6_D7(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(content)
    with pytest.raises(PictureRefused, match="whatever its name says"):
        compiled("![x](picture.png)", folder=tmp_path)


def test_picture_with_blanks_in_its_name_is_found(tmp_path: Path) -> None:
    (tmp_path / "nine chairs.png").write_bytes(PNG)
    assert b"nine chairs.png" in merger("![x](<nine chairs.png>)", folder=tmp_path).compose(reader()).data


def test_picture_on_the_web_is_left_where_it_is() -> None:
    assert 'src="https://x.example.org/a.png"' in merger("![x](https://x.example.org/a.png)").html(reader())
