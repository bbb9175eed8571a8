"""What one row of a list of members says; the same however the file was written. It looks nobody up."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from balintmail.domain.address import Address


@dataclass(frozen=True, slots=True)
class GivenMember:
    """One row. `refused` says why it cannot be read; what is "" or None is not said, and stays as it is."""

    line: int
    shown: str
    refused: str = ""
    register: str = ""
    person: int | None = None
    address: Address | None = None
    name: str = ""
    first_name: str = ""
    language: str = ""
    of_class: str = ""
    since: date | None = None
    paid_until: date | None = None
    remark: str = ""
    journal: str = ""
    post: Mapping[str, str] | None = None
