"""Documents as office programs write them, small, and the same with what must not be in them."""

import io
import zipfile
from collections.abc import Mapping

PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x02\x00\x00\x00\x02\x08\x02\x00\x00\x00" + b"\x00" * 8
TYPES = (
    '<?xml version="1.0"?><Types><Override PartName="/word/document.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
)
HYPERLINK = (
    '<Relationships><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
    'hyperlink" Target="https://example.org" TargetMode="External"/></Relationships>'
)
TEMPLATE = HYPERLINK.replace("hyperlink", "attachedTemplate")
WORD = {"[Content_Types].xml": TYPES, "word/document.xml": "<w:document/>", "word/_rels/document.xml.rels": HYPERLINK}
TEXT = {
    "mimetype": "application/vnd.oasis.opendocument.text",
    "content.xml": "<office:document-content/>",
    "META-INF/manifest.xml": "<manifest:manifest/>",
}


def packed(members: Mapping[str, str | bytes], *, deflate: bool = True) -> bytes:
    """Return a packed document with these members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED) as file:
        for name, content in members.items():
            file.writestr(zipfile.ZipInfo(name), content, file.compression)
    return out.getvalue()


def docx(**more: str | bytes) -> bytes:
    """Return a Word document; `more` are members, "__" in their names for a slash."""
    return packed({**WORD, **{name.replace("__", "/"): content for name, content in more.items()}})


def odt(**more: str | bytes) -> bytes:
    """Return an OpenDocument text."""
    return packed({**TEXT, **{name.replace("__", "/"): content for name, content in more.items()}})
