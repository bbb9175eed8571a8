"""Know the exports of other newsletter tools by their columns, and bring their words for people's states to ours.

Where a tool's word is in doubt, the person is not mailed. docs/import-export.md has the whole table. It reads no file.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from balintmail.domain.imports import FileState
from balintmail.domain.states import SuppressionReason
from balintmail.ops.importers.columns import plain

Get = Callable[[str], str]  # a row's cell by its column's plain name, "" when there is none
States = Callable[[Get], "Standing | None"]  # None: the row's state stands in the column of states, if there is one


class UnknownState(ValueError):
    """A word for a person's state that no table knows."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a tool says of somebody: their state, and why their address must not be mailed, if it says so apart."""

    state: FileState
    suppress: SuppressionReason | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """Whose export a file is. `left_out` are columns of the tool's own housekeeping, by plain name."""

    name: str
    left_out: frozenset[str] = frozenset()
    own: bool = True  # whether columns of unknown names are the society's own fields
    states: States | None = None
    collected: tuple[str, ...] = ()  # columns that tell when somebody joined, best first
    attributes: str = ""  # a column that holds own fields as a JSON object


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split("|"))


SUBSCRIBED = Standing(FileState.SUBSCRIBED)

# Every word, plain, that any of the tools or a hand-made list uses for a state.
STATE_WORDS: Mapping[str, FileState] = {
    word: state
    for state, words in {
        FileState.SUBSCRIBED: (
            "subscribed|active|enabled|confirmed|regular|member|yes|ok|aktiv|angemeldet|abonniert|abonne|inscrit|actif"
            "|feliratkozott|aktiv tag"
        ),
        FileState.PAUSED: "paused|by user|byuser|u|vacation|on hold|pausiert|en pause|szunetel",
        FileState.UNSUBSCRIBED: (
            "unsubscribed|unsubscribe|opted out|opt out|optout|left|disabled|inactive|no|removed|by moderator"
            "|bymoderator|byadmin|by admin|a|abgemeldet|ausgetragen|inaktiv|desabonne|desinscrit|inactif|leiratkozott"
            "|kilepett"
        ),
        FileState.BOUNCED: (
            "bounced|bounce|hard bounce|hardbounce|by bounces|bybounce|by bounce|b|undeliverable|invalid|unzustellbar"
            "|rejete|visszapattant"
        ),
        FileState.CLEANED: "cleaned|bereinigt|nettoye|torolt",
        FileState.COMPLAINED: "complained|complaint|spam|abuse|abuse complaint|beschwerde|plainte|panasz",
        FileState.BLOCKED: "blocked|blocklisted|blacklisted|suppressed|gesperrt|bloque|letiltott",
        FileState.PENDING: (
            "pending|unconfirmed|not confirmed|nonsubscribed|non subscribed|transactional|archived|unknown|unbestatigt"
            "|en attente|non confirme|fuggoben"
        ),
    }.items()
    for word in words.split("|")
}


def state_of(word: str) -> FileState:
    """Return the state that a cell's word means; an empty cell says subscribed. Raise UnknownState otherwise."""
    key = plain(word) if word else ""
    if not key:
        return FileState.SUBSCRIBED
    try:
        return STATE_WORDS[key]
    except KeyError:
        raise UnknownState(word) from None


def recognise(titles: list[str], file_name: str, *, explained: frozenset[str] = frozenset()) -> Tool:
    """Return whose export a file with these columns is; the generic one when it is nobody's known.

    `explained` are columns, by plain name, whose meaning somebody has said: these are no flags of a generic file.
    """
    names = {plain(title) for title in titles}
    if {"id", "register", "address", "lists"} <= names:
        return Tool("balintmail")
    if {"leid", "euid"} <= names or (
        "email address" in names and names & {"member rating", "optin time", "unsub time"}
    ):
        return _mailchimp(names, plain(file_name))
    if {"uuid", "email", "attributes"} <= names or {"uuid", "email", "status"} <= names:
        return _LISTMONK
    if (
        "list membership" in names
        or {"confirmed", "blacklisted"} <= names
        or any("subscriber blacklisted" in n or "user blacklisted" in n for n in names)
    ):
        return _phplist(names)
    if names & {"delivery status", "nomail", "moderation action", "delivery mode"}:
        return _MAILMAN
    return _hand_made(names - explained)


# Mailchimp ----------------------------------------------------------------------------------------------------------

_MAILCHIMP_OWN = _words(
    "member rating|optin time|optin ip|confirm time|confirm ip|latitude|longitude|gmtoff|dstoff|timezone"
    "|cc|region|last changed|leid|euid|notes|tags|unsub time|unsub campaign title|unsub campaign id"
    "|unsub reason|unsub reason other|clean time|clean campaign title|clean campaign id|id|source"
)


def _mailchimp(names: set[str], file_name: str) -> Tool:
    """Mailchimp writes one file for each state; columns that only that file has tell it, or else its name."""
    if "clean time" in names or file_name.startswith("cleaned"):
        state = FileState.CLEANED
    elif "unsub time" in names or file_name.startswith("unsubscribed"):
        state = FileState.UNSUBSCRIBED
    elif file_name.startswith(("nonsubscribed", "non subscribed", "transactional", "archived")):
        state = FileState.PENDING
    else:
        state = FileState.SUBSCRIBED
    whole = Standing(state)

    def states(get: Get) -> Standing:
        word = get("status")
        return Standing(state_of(word)) if word and state is FileState.SUBSCRIBED else whole

    return Tool("Mailchimp", _MAILCHIMP_OWN, states=states, collected=("confirm time", "optin time"))


# listmonk -----------------------------------------------------------------------------------------------------------


def _listmonk_states(get: Get) -> Standing:
    account = state_of(get("status"))
    if account is not FileState.SUBSCRIBED:
        return Standing(account)
    return Standing(state_of(get("subscription status")))


_LISTMONK = Tool(
    "listmonk",
    frozenset(
        ["uuid", "id", "created at", "updated at", "attributes", "subscription status", "optin", "subscribed at"]
    ),
    states=_listmonk_states,
    collected=("subscribed at", "created at"),
    attributes="attributes",
)


# phpList ------------------------------------------------------------------------------------------------------------


def _phplist(names: set[str]) -> Tool:
    """Know phpList's columns, which say `user` or `subscriber` by its version, by the words they share."""

    def named(*words: str) -> str:
        return next((name for name in sorted(names) if any(word in name for word in words)), "")

    confirmed = named("user confirmed", "subscriber confirmed", "confirmed")
    blacklisted = named("user blacklisted", "subscriber blacklisted", "blacklisted")
    disabled = named("account disabled", "disabled")
    bounces = named("number of bounces", "bouncecount", "bounce count")
    housekeeping = {
        confirmed, blacklisted, disabled, bounces, "id", "list membership", "entered", "last modified", "foreign key",
        "additional data", "rss frequency", "ip", "change summary", "change detail", "extra data", "password",
        named("unique id"), named("html email"), named("manually confirm"), named("opted in"), named("opt in"),
        "modified", "uniqid", "uuid", "htmlemail", "subscribepage", "rssfrequency", "optedin", "passwordchanged",
        "extradata", "foreignkey",
    }  # fmt: skip

    def states(get: Get) -> Standing:
        bounced = SuppressionReason.BOUNCED if (get(bounces) or "0").strip() not in {"0", ""} else None
        if _is_set(get(blacklisted)):
            return Standing(FileState.UNSUBSCRIBED, bounced)
        if _is_set(get(disabled)):
            return Standing(FileState.UNSUBSCRIBED)
        if confirmed and not _is_set(get(confirmed)):
            return Standing(FileState.PENDING)
        return SUBSCRIBED

    return Tool("phpList", frozenset(housekeeping - {""}), states=states, collected=("entered",))


def _is_set(cell: str) -> bool:
    return plain(cell) in {"1", "yes", "true", "y", "ja", "oui", "igen"}


# Mailman ------------------------------------------------------------------------------------------------------------


def _mailman_states(get: Get) -> Standing:
    word = get("delivery status") or get("nomail")
    # A roster marks those without mail as "[B]", "nomail (by bounces)" or with the letter alone.
    return Standing(state_of(plain(word).removeprefix("nomail ").strip() if word else ""))


_MAILMAN = Tool(
    "Mailman",
    _words(
        "mod|hide|nomail|ack|notmetoo|not metoo|nodupes|digest|plain|delivery mode|delivery status"
        "|moderation action|role|list id|user id|member id|self link|http etag|subscription mode|bounce score"
        "|last bounce received"
    ),
    own=False,
    states=_mailman_states,
)


# Sheets that somebody made -------------------------------------------------------------------------------------------

# Columns that hold a yes, a 1 or a day where something is the matter; the gravest comes first.
_FLAGS: Mapping[FileState, frozenset[str]] = {
    FileState.COMPLAINED: _words("complained|complaint|spam complaint|complained at"),
    FileState.BLOCKED: _words("blocked|blocklisted|blacklisted|suppressed|do not mail|do not email|gesperrt"),
    FileState.CLEANED: _words("cleaned|cleaned at|clean time"),
    FileState.BOUNCED: _words("bounced|hard bounced|hard bounce|bounced at|undeliverable|unzustellbar|visszapattant"),
    FileState.UNSUBSCRIBED: _words(
        "unsubscribed|unsubscribed at|unsubscribe date|unsubscribed on|opted out|opt out|optout|opted out at|disabled"
        "|abgemeldet|abgemeldet am|desabonne|desinscrit|leiratkozott"
    ),
}
# Columns that must not hold a no or a 0.
_NEEDED: Mapping[FileState, frozenset[str]] = {
    FileState.UNSUBSCRIBED: _words("subscribed|is subscribed|angemeldet|abonne|feliratkozott"),
    FileState.PENDING: _words("confirmed|is confirmed|bestatigt|confirme|megerositve"),
}
_NOT = _words("0|no|n|false|never|nein|non|nem|none")


def _hand_made(names: set[str]) -> Tool:
    """Know the columns that mark, row by row, who must not be mailed, beside a column of states."""
    flags = [(name, state) for state, known in _FLAGS.items() for name in sorted(names & known)]
    needed = [(name, state) for state, known in _NEEDED.items() for name in sorted(names & known)]
    if not flags and not needed:
        return Tool("")

    def states(get: Get) -> Standing | None:
        for name, state in flags:
            if plain(get(name)) not in _NOT | {""}:
                return Standing(state)
        for name, state in needed:
            if plain(get(name)) in _NOT:
                return Standing(state)
        return None

    return Tool("", frozenset(name for name, _ in [*flags, *needed]), states=states)
