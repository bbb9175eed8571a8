"""The states and kinds of the archive, and who may read what: pure decisions about visibility and embargo.

It reads no table. Past newsletters: services/archive.py; the Journal: services/digital_journal.py.
"""

from enum import StrEnum


class ReadingKind(StrEnum):
    """What a link to read by leads to."""

    NEWSLETTER = "newsletter"
    ARTICLE = "article"
    JOURNAL_ISSUE = "journal_issue"


class TextState(StrEnum):
    """What came of reading a PDF's words."""

    READ = "read"
    RECOGNISED = "recognised"  # a scan whose words ocrmypdf has read
    SCAN = "scan"  # pictures of pages without words
    LOCKED = "locked"  # encrypted
    BROKEN = "broken"
