"""The society that the send is measured with: an instance, its readers, its letter of 12 KB."""

import csv
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.compose import LAYOUT_MJML, LAYOUT_TXT, PARAGRAPH

COMMAND = [sys.executable, "-m", "balintmail"]
GIVEN = ("Anna", "Bálint", "Csilla", "Dávid", "Emese", "Ferenc", "Siobhan", "Hedvig", "李明", "Āwhina", "Jean-Luc")
FAMILY = ("Kovács", "O'Neill", "Müller", "Lefèvre", "Nagy", "Szabó", "Smith", "Tāmati", "Weiß", "Horváth")
PREFERENCES = ' <a href="{{ preferences_url }}">Preferences</a>'
LETTER = (
    "---\ntitle: Groups this winter\nnumber: 84\n---\n"
    'Dear {{ person.first_name | default("colleague") }},\n\n'
    f"{PARAGRAPH * 5}"
    "We have you down as {{ person.name }} of {{ person.town }}, group {{ person.group }}, reading in "
    "{{ person.language }}.\n\n"
    "{% if person.member %}The weekend is cheaper for you.{% else %}Members come cheaper.{% endif %} Until soon.\n\n"
    f"{PARAGRAPH * 5}"
)


@dataclass(frozen=True, slots=True)
class Relay:
    """What the settings say of the relay."""

    port: int
    connections: int
    security: str = "none"
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """One side of the comparison: the relay, and what else the settings hold."""

    relay: Relay
    database: tuple[str, str] = ("", "")  # an address in the settings, and what stands in its place for this round
    dkim: str = ""  # lines under [dkim]


def found(folder: Path, readers: int, database: str = "") -> Path:
    """Make an instance with that many readers and the letter, to be copied for each run; return it."""
    instance, people = folder / f"society-{readers}{'-elsewhere' if database else ''}", folder / f"people-{readers}.csv"
    who = ["--society", "The Example Balint Society", "--secretary-name", "Hana Grey"]
    where = ["--secretary-address", "secretary@balint.example.org", "--url", "https://balint.example.org"]
    elsewhere = ["--database", database] if database else []
    run(["init", "--yes", *who, *where, *elsewhere, str(instance)])
    write_people(people, readers)
    consent = ["--consent", "I agree", "--collected", "2025-03-21", "--yes"]
    run(["-C", str(instance), "people", "import", str(people), *consent])
    dress(instance)
    return instance


def dress(instance: Path) -> None:
    """Put letter and layout into an instance."""
    layout = instance / "templates" / "emails" / "newsletter"
    layout.mkdir(parents=True, exist_ok=True)
    (layout / "layout.mjml").write_text(LAYOUT_MJML.replace("list</a>", f"list</a>{PREFERENCES}"), "utf-8")
    (layout / "layout.txt").write_text(f"{LAYOUT_TXT}Preferences: {{{{ preferences_url }}}}\n", "utf-8")
    (instance / "letter.md").write_text(LETTER, "utf-8")


def write_people(file: Path, readers: int) -> None:
    """Write a register of that many different people."""
    with file.open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["name", "email", "language", "member", "town", "group"])
        for n in range(readers):
            name = f"{GIVEN[n % len(GIVEN)]} {FAMILY[n % len(FAMILY)]}"
            address = f"reader{n}@example{n % 997}.example.org"
            language, member = ("hu", "yes") if n % 3 else ("en", "no")
            rows.writerow([name, address, language, member, f"Town {n % 500}", f"G{n % 40}"])


def copy(instance: Path, to: Path, setting: Setting) -> Path:
    """Return a fresh copy of an instance with the settings of one side."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(instance, to)
    file = to / "balintmail.toml"
    text = file.read_text("utf-8")
    if setting.database[0]:
        text = text.replace(*setting.database)
    relay = setting.relay
    lines = ["[relays.main]", 'host = "127.0.0.1"', f"port = {relay.port}", f'security = "{relay.security}"']
    lines += [f"max_connections = {relay.connections}", *([f'ca_file = "{relay.ca_file}"'] if relay.ca_file else [])]
    if setting.dkim:
        lines += ["[dkim]", setting.dkim]
    file.write_text(text + "\n" + "\n".join(lines) + "\n", "utf-8")
    return to


def sample(instance: Path, to: Path) -> Path:
    """Return a file with one message of the letter, as the other sides send it."""
    reader = "reader1@example1.example.org"
    run(["-C", str(instance), "preview", str(instance / "letter.md"), "--as", reader, "--out", str(to)])
    return next(to.glob("*.eml"))


def run(arguments: list[str]) -> None:
    """Run a command of balintmail's that has to end well."""
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"balintmail {' '.join(arguments)}\n{done.stdout}{done.stderr}")


def first_to_last(instance: Path, readers: int) -> float:
    """Return the seconds from the first row marked at risk to the last answer written down; all must be accepted."""
    return span(sqlite3.connect(instance / "balintmail.db"), readers)


def span(connection: sqlite3.Connection, readers: int) -> float:
    """The same, asked of a connection."""
    query = (
        "SELECT count(*), (julianday(max(at)) - julianday(min(first_tried_at))) * 86400 FROM deliveries "
        "WHERE state = 'accepted'"
    )
    with connection:
        accepted, seconds = connection.execute(query).fetchone()
    connection.close()
    if accepted != readers:
        raise SystemExit(f"{accepted} of {readers} messages were accepted")
    return float(seconds)
