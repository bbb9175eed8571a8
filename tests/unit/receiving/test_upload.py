"""What strangers send in: known by its content, and refused with macros, locks, bombs, tricks (D6-D10, G7, G8)."""

import copy
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balintmail.receiving.upload import DOCUMENTS, Kind, UploadRefused, Why, examine
from tests.support import office

PPTX = office.packed({"[Content_Types].xml": "<Types/>", "ppt/presentation.xml": "<p/>"})


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("paper.pdf", office.PDF, Kind.PDF),
        ("Paper.DOCX", office.docx(), Kind.DOCX),
        ("paper.odt", office.odt(), Kind.ODT),
        ("paper.md", "# Bálint\n".encode(), Kind.MARKDOWN),
        ("paper.txt", b"\xef\xbb\xbfWords", Kind.TEXT),
        ("figure.png", office.PNG, Kind.PNG),
        ("figure.jpeg", b"\xff\xd8\xff\xe0rest", Kind.JPEG),
        ("figure.tif", b"II*\0rest", Kind.TIFF),
    ],
)
def test_examine_knows_a_file_by_its_content(name: str, content: bytes, kind: Kind) -> None:
    assert examine(name, content) is kind


def locked() -> bytes:
    """Return a document whose members say that they are locked."""
    content = bytearray(office.docx())
    for sign, at in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        begin = -1
        while (begin := content.find(sign, begin + 1)) >= 0:
            content[begin + at] |= 1
    return bytes(content)


def linked() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, text in office.WORD.items():
            file.writestr(name, text)
        link = zipfile.ZipInfo("word/link")
        link.external_attr = 0o120777 << 16
        file.writestr(link, "/etc/passwd")
    return out.getvalue()


def doubled() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, text in office.WORD.items():
            file.writestr(name, text)
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("word/document.xml", "<other/>")
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.pdf", b"", Why.EMPTY),
        ("a.pdf", office.PDF.replace(b"%%EOF", b""), Why.BROKEN),
        ("a.pdf", b"GIF89a" + office.PDF, Why.BROKEN),  # a polyglot (D8)
        ("a.pdf", office.PDF + b"/Encrypt 5 0 R %%EOF", Why.LOCKED),
        ("a.pdf", office.PDF.replace(b"/Catalog", b"/Catalog/OpenAction<</S/JavaScript/JS(x)>>"), Why.MACROS),
        ("a.pdf", office.PDF.replace(b"/Catalog", b"/Catalog/OpenAction<</S/Launch>>"), Why.MACROS),
        ("a.docx", office.docx(word__vbaProject_bin=b"x"), Why.MACROS),
        ("a.docm", office.docx(), Why.NAME),
        ("a.docx", office.packed({**office.WORD, "[Content_Types].xml": "macroEnabled.main+xml"}), Why.MACROS),
        ("a.docx", office.docx(word__embeddings__oleObject1="x"), Why.MACROS),
        ("a.docx", office.packed({**office.WORD, "word/_rels/settings.xml.rels": office.TEMPLATE}), Why.ELSEWHERE),
        ("a.docx", office.packed({**office.WORD, "word/document.xml": "<!DOCTYPE a [<!ENTITY b 'c'>]>"}), Why.BROKEN),
        ("a.docx", office.packed({**office.WORD, "../../etc/x": "x"}), Why.BROKEN),
        ("a.docx", office.packed({**office.WORD, "C:\\x": "x"}), Why.BROKEN),
        ("a.docx", office.packed({**office.WORD, "bomb.bin": b"\0" * 2_000_000}), Why.TOO_LARGE),
        ("a.docx", office.packed({**office.WORD, **{f"w/{n}": "" for n in range(3001)}}), Why.TOO_LARGE),
        ("a.docx", office.packed({**office.WORD, **{f"w/{n}": "" for n in range(7000)}}), Why.TOO_LARGE),
        ("a.docx", office.docx()[:-30], Why.BROKEN),
        ("a.docx", b"PK\x03\x04" + b"\xff" * 200, Why.BROKEN),
        ("a.docx", locked(), Why.LOCKED),
        ("a.docx", linked(), Why.BROKEN),
        ("a.docx", office.packed({"a": "b"}), Why.UNKNOWN),
        ("a.zip", office.packed({"a": "b"}), Why.UNKNOWN),
        ("a.odt", office.odt(Basic__Standard__Module1_xml="x"), Why.MACROS),
        ("a.odt", office.odt(META_INF__x="x").replace(b"a", b"a"), None),
        ("a.odt", office.packed({**office.TEXT, "META-INF/manifest.xml": "<m:encryption-data/>"}), Why.LOCKED),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1", Why.OLD),
        ("a.rtf", b"{\\rtf1 x}", Why.OLD),
        ("a.svg", b"<svg onload='x'/>", Why.UNKNOWN),
        ("a.png", b"<html><script>x</script>", Why.NAME),  # D7
        ("a.pdf", office.PNG, Why.NAME),
        ("a.png", office.PNG.replace(b"\0\0\0\x02\0\0\0\x02", b"\0\xff\xff\xff\0\0\0\x02"), Why.PICTURE),
        ("a.md", b"caf\xe9", Why.NAME),
        ("a.md", b"a\0b", Why.NAME),
        ("a.exe", b"MZ\x90\0", Why.UNKNOWN),
        ("a.pptx", PPTX, Why.UNKNOWN),
        ("noending", b"words", Why.UNKNOWN),
    ],
)
def test_examine_refuses_what_could_do_harm_and_says_why(name: str, content: bytes, why: Why | None) -> None:
    if why is None:
        assert examine(name, content) is Kind.ODT
        return
    with pytest.raises(UploadRefused) as found:
        examine(name, content)
    assert found.value.why is why


def test_members_of_the_same_name_are_refused() -> None:
    with pytest.raises(UploadRefused) as found:
        examine("a.docx", doubled())
    assert found.value.why is Why.BROKEN


def test_members_that_lie_over_each_other_are_refused_G7() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, text in office.WORD.items():
            file.writestr(name, text)
        file.writestr("word/media", "x" * 3000)
        whole = file.filelist[-1]
        for number in range(50):  # the same octets once more, under another name
            other = copy.copy(whole)
            other.filename = f"word/media{number}"
            file.filelist.append(other)
    with pytest.raises(UploadRefused) as found:
        examine("a.docx", out.getvalue())
    assert found.value.why is Why.TOO_LARGE


def test_slides_are_documents_and_no_papers() -> None:
    assert examine("a.pptx", PPTX, DOCUMENTS) is Kind.PPTX


@given(st.binary(max_size=300), st.sampled_from(["a.pdf", "a.docx", "a.odt", "a.md", "a.png", "a"]))
def test_examine_raises_nothing_but_its_refusal(content: bytes, name: str) -> None:
    try:
        examine(name, content)
    except UploadRefused as refused:
        assert refused.why in Why  # noqa: PT017


@given(st.binary(max_size=60), st.integers(0, 900))
def test_damaged_document_raises_nothing_but_its_refusal(noise: bytes, at: int) -> None:
    whole = office.docx()
    damaged = whole[:at] + noise + whole[at + len(noise) :]
    try:
        examine("a.docx", damaged)
    except UploadRefused as refused:
        assert refused.why in Why  # noqa: PT017
