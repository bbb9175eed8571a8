"""The settings of the Journal."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from balintmail.domain.journal_issues import read_issn
from balintmail.domain.times import read_span
from balintmail.errors import BalintmailError
from balintmail.setting_base import Section


def _issn(text: str) -> str:
    try:
        return read_issn(text)
    except BalintmailError as exc:
        raise ValueError(exc.message) from exc


def _country(text: str) -> str:
    if not (len(text) == 2 and text.isascii() and text.isalpha()):
        raise ValueError('a country is written as two letters, such as "GB"')
    return text.upper()


class JournalSettings(Section):
    """What the Journal is called, where it is posted, and how long the personal link to an e-copy opens it."""

    name: str = "The Journal"
    issn: Annotated[str, AfterValidator(_issn)] = ""
    posted_in: Annotated[str, AfterValidator(_country)] = "GB"
    link_lasts: Annotated[timedelta, BeforeValidator(read_span)] = timedelta(days=90)
