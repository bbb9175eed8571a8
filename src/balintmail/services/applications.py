"""Check one form to join, field by field: what it asks for, and whether every part can be taken.

Every problem is found at once, so that a page can name them all. It reads no database; services/offers.py says what a
form offers, services/requests.py takes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from balintmail.domain import address as parsing
from balintmail.domain import hygiene, names, questions
from balintmail.domain.requests import ApplicationRefused, Door, Held, Problem, looks_automatic
from balintmail.services.offers import Offer


@dataclass(frozen=True, slots=True)
class Application:
    """One form as it was filled in.

    `offered` is what the form offered, with the words that were shown; `chosen` are the slugs of the lists. `answers`
    stand under "LIST.QUESTION". `page` is where it was asked and `form` the form's version, `network` where it came
    from, `suspicion` why it looks automatic. `not_before` is when its address may be mailed at the earliest.
    """

    offered: Sequence[Offer]
    chosen: Sequence[str]
    address: str
    name: str = ""
    language: str = ""
    agreed: bool = True
    answers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    door: Door = Door.FORM
    page: str = ""
    form: str = ""
    network: str = ""
    suspicion: Held = Held.NOTHING
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """A form whose every field can be taken."""

    address: parsing.Address
    name: str
    language: str | None
    offers: tuple[Offer, ...]
    answers: Mapping[int, Mapping[str, str]]
    suspicion: Held


def checked(application: Application) -> Checked:
    """Return the form clean; raise ApplicationRefused with the problem of each field that has one."""
    problems: dict[str, Problem] = {}
    name = _name(application, problems)
    address = _address(application, problems)
    chosen = tuple(one for one in application.offered if one.list.slug in application.chosen)
    if not chosen:
        problems["lists"] = Problem("lists")
    language = _language(application, problems)
    answers = _answers(application, chosen, problems)
    if not application.agreed:
        problems["agree"] = Problem("agree")
    if problems or address is None:
        raise ApplicationRefused(problems)
    texts = (name, *(text for each in answers.values() for text in each.values()))
    suspicion = application.suspicion or looks_automatic(texts)
    return Checked(address, name, language, chosen, answers, suspicion)


def _name(application: Application, problems: dict[str, Problem]) -> str:
    try:
        name = names.clean(application.name)
    except hygiene.TextRefused:
        long = len(application.name) > names.LONGEST
        problems["name"] = Problem("long", {"longest": names.LONGEST}) if long else Problem("signs")
        return ""
    if not name and application.door is Door.FORM:
        problems["name"] = Problem("name")
    return name


def _address(application: Application, problems: dict[str, Problem]) -> parsing.Address | None:
    try:
        return parsing.parse(application.address)
    except parsing.AddressRefused:
        problems["address"] = Problem("address" if application.address.strip() else "address_missing")
        return None


def _language(application: Application, problems: dict[str, Problem]) -> str | None:
    try:
        return hygiene.language(application.language) if application.language else None
    except hygiene.TextRefused:
        problems["language"] = Problem("language")
        return None


def _answers(
    application: Application, chosen: Sequence[Offer], problems: dict[str, Problem]
) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = {}
    for offer in chosen:
        for question in offer.questions:
            key = f"{offer.list.slug}.{question.name}"
            said, problem = questions.answer(question, application.answers.get(key, ()))
            found.setdefault(offer.list.id, {})[question.name] = said
            if problem is not None:
                problems[key] = problem
    return found
