"""What a new instance is made of: its folders, and the text of `balintmail.toml`, commented, and `secrets.toml`.

It writes nothing to disk. A test reads every line back, the commented-out ones too, so that no example goes stale.
"""

from dataclasses import dataclass

# Every folder that an instance has from its first day; each stands behind the one that holds it.
FOLDERS = ("journal", "outbox", "outbox/tmp", "outbox/new", "outbox/cur", "templates", "pages", "files")

_SETTINGS = """\
# The settings of {name_plain}.
# Every key is explained in docs/settings.md; "balintmail config check" tells of typing mistakes.
# Passwords and keys belong into secrets.toml, never into this file.

[society]
name = {name}
# The public address of your site. Without it letters carry no web links and people leave by mail alone.
{url}
timezone = {timezone}
# The postal address in the foot of every letter.
{address}
# languages = ["en"]
# accent = "#0b5563"

[database]
{database}

[send]
# "outbox" writes the messages into the folder outbox/, "smtp" hands them to the relay below.
# Missing: smtp as soon as a relay has a host.
# transport = "outbox"
# Time to change your mind after a send was confirmed.
hold = "2m"
# What becomes of a message whose fate nobody knows after a crash: "hold" asks you, "resend" risks a second copy.
# unknown = "hold"

# Your mail provider. Three lines are enough; the password goes into secrets.toml under the same heading.
# [relays.main]
# host = "smtp.example.org"
# username = "secretary@example.org"
# per_hour = 200

# Where bounces come back to. Missing: the Secretary's address.
# [bounces]
# address = "bounces@example.org"
# style = "plus"
"""

_SECRETS = """\
# Passwords and keys of this instance. Keep a copy in a safe place, and show it to nobody.
# Without these keys no link that was ever mailed works, and erased addresses are no longer recognised.

[keys]
tokens = "{tokens}"
erasure = "{erasure}"
{database}
# [relays.main]
# password = "the password of your mail provider"
"""


@dataclass(frozen=True, slots=True)
class SettingsText:
    """The answers that stand in the settings; `database` empty: SQLite in the instance's folder."""

    name: str
    url: str
    timezone: str
    postal_address: str = ""
    database: str = ""
    database_is_secret: bool = False


def settings_toml(answers: SettingsText) -> str:
    """Return the text of `balintmail.toml`."""
    url = f"url = {toml_string(answers.url)}" if answers.url else '# url = "https://balint.example.org"'
    database = f"url = {toml_string(answers.database or 'sqlite:///balintmail.db')}"
    if answers.database_is_secret:
        database = "# url stands in secrets.toml, because it holds a password."
    address = toml_string(answers.postal_address or "1 Example Street, London")
    return _SETTINGS.format(
        address=f"{'' if answers.postal_address else '# '}address = {address}",
        name_plain=answers.name,
        name=toml_string(answers.name),
        url=url,
        timezone=toml_string(answers.timezone),
        database=database,
    )


def secrets_toml(answers: SettingsText, *, tokens: str, erasure: str) -> str:
    """Return the text of `secrets.toml`; `tokens` and `erasure` are 64 hexadecimal digits each."""
    database = f"\n[database]\nurl = {toml_string(answers.database)}\n" if answers.database_is_secret else ""
    return _SECRETS.format(tokens=tokens, erasure=erasure, database=database)


def toml_string(text: str) -> str:
    """Return `text` as a basic string of TOML 1.0: quotes, backslashes and control characters escaped."""
    out = []
    for letter in text:
        if letter in '"\\':
            out.append(f"\\{letter}")
        elif ord(letter) < 0x20 or ord(letter) == 0x7F:
            out.append(f"\\u{ord(letter):04X}")
        else:
            out.append(letter)
    return f'"{"".join(out)}"'
