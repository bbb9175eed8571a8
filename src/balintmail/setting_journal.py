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


class JournalSettings(Section):
    """What the Journal is called, and how long the personal link to an e-copy opens it."""

    name: str = "The Journal"
    issn: Annotated[str, AfterValidator(_issn)] = ""
    link_lasts: Annotated[timedelta, BeforeValidator(read_span)] = timedelta(days=90)
