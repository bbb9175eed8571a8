"""The years behind the society of `make demo`: newsletters, Journals, members, papers, all invented, made when it runs.

Everything goes through the command line, as a Secretary would type it. Years are counted from today, so that the demo
never grows old. People are at example.org and example.net alone.
"""

import contextlib
import csv
import io
import json
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from reportlab.lib.pagesizes import A5
from reportlab.pdfgen.canvas import Canvas

from balintmail.cli.main import run

TODAY = datetime.now().astimezone().date()
YEARS = (TODAY.year - 3, TODAY.year - 2, TODAY.year - 1)
SEASONS = ("January", "April", "July", "October")
INVENTED = tomllib.loads((Path(__file__).parent / "invented.toml").read_text("utf-8"))
PIECES = [(each["title"], each["text"].strip()) for each in INVENTED["piece"]]
PAPERS = [(each["title"], each["author"], each["abstract"].strip()) for each in INVENTED["paper"]]
TOWNS = (
    ("GB", "{n} Example Road", "London", "", "EC1A 1BB"),
    ("HU", "Példa utca {n}.", "Budapest", "", "1056"),
    ("DE", "Beispielweg {n}", "Berlin", "", "10115"),
    ("NZ", "{n} Example Street", "Auckland", "", "1010"),
    ("US", "{n} Example Avenue", "San Francisco", "CA", "94105"),
)


class Failed(Exception):
    """A command of the demo was refused; its words say why."""


@dataclass(frozen=True)
class Demo:
    """The instance of the demo, spoken to by commands."""

    folder: Path
    examples: Path

    def __call__(self, *words: str | Path) -> str:
        """Run a command and return what it says; raise Failed with its words when it is refused."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            status = run(["-C", str(self.folder), *map(str, words)])
        if status:
            raise Failed(f"balintmail {' '.join(map(str, words))}\n{out.getvalue()}")
        return out.getvalue()

    def json(self, *words: str | Path) -> Any:
        return json.loads(self(*words, "--json"))

    def file(self, name: str, content: str | bytes) -> Path:
        """Write a file that the demo takes in, and leave it to be looked at."""
        path = self.folder / "made" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path


def pdf(title: str, author: str, text: str, pages: int) -> bytes:
    """Return a small PDF with words in it, so that it is found by the search."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A5)
    canvas.setTitle(title)
    for page in range(1, pages + 1):
        canvas.setFont("Times-Bold", 14)
        canvas.drawString(48, 530, title.encode("latin-1", "ignore").decode("latin-1"))
        canvas.setFont("Times-Italic", 11)
        canvas.drawString(
            48, 510, f"{author}, page {page}; an invented paper".encode("latin-1", "ignore").decode("latin-1")
        )
        canvas.setFont("Times-Roman", 11)
        words, line, down = text.split(), "", 480
        for word in (*words, ""):
            if len(line) + len(word) > 52 or not word:
                canvas.drawString(48, down, line)
                line, down = "", down - 16
            line = f"{line} {word}".strip()
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def choose_the_outbox(folder: Path) -> None:
    """Say in the settings that mail stays on this machine, so that the site shows its front page and no gaps."""
    file = folder / "balintmail.toml"
    file.write_text(file.read_text("utf-8").replace('# transport = "outbox"', 'transport = "outbox"'), "utf-8")


def newsletters(demo: Demo) -> str:
    """Twelve newsletters of three years, taken into the archive; one of them corrected."""
    number = 84 - len(YEARS) * len(SEASONS)
    for year in YEARS:
        for quarter, season in enumerate(SEASONS):
            first, second = PIECES[number % 6], PIECES[(number + 2) % 6]
            words = "\n\n".join(f"## {title}\n\n{text}" for title, text in (first, second))
            head = f"title: {season} {year}\nnumber: {number}\ndate: {year}-{quarter * 3 + 1:02}-12\nvisibility: public"
            demo.file(
                f"newsletters/newsletter-{number}.md", f"---\n{head}\n---\n\nDear members and friends,\n\n{words}\n"
            )
            number += 1
    found = demo.json("archive", "import", demo.folder / "made" / "newsletters", "--yes")
    demo("newsletters", "erratum", f"newsletter/{number - 1}", "The group on Tuesdays begins at seven, not at eight.")
    return f"{found['new']} newsletters"


def journals(demo: Demo) -> str:
    """A Journal for each of three years, the last under embargo, and next year's in the making."""
    many = 0
    for place, year in enumerate(YEARS):
        words = ["--volume", str(YEARS[0] - 1972 + place), "--number", "1", "--published", f"{year}-09-15"]
        words += ["--title", ("Listening", "Groups and their leaders", "Work at night")[place], "--print-run", "60"]
        words += ["--embargo", str(TODAY + timedelta(days=200))] if year == YEARS[-1] else []
        whole = demo.file(
            f"journal-{year}.pdf", pdf(f"The Journal {year}", "The Example Balint Society", PAPERS[0][2], 24)
        )
        demo("journal", "add", str(year), *words, "--pdf", whole)
        demo("journal", "stock", str(year), "--printed", "60", "--note", "from the printer")
        for at, (title, author, abstract) in enumerate((PAPERS[4], PAPERS[place], PAPERS[place + 1])):
            begin = 3 + 7 * at
            file = demo.file(f"{year}-{at + 1}.pdf", pdf(title, author, abstract * 3, 7))
            said = ["--author", author, "--pages", f"{begin}-{begin + 6}", "--doi", f"10.5555/example.{year}.{at + 1}"]
            demo(
                "journal", "articles", "add", str(year), "--title", title, *said, "--abstract", abstract, "--pdf", file
            )
            many += 1
    demo("journal", "add", str(TODAY.year + 1), "--volume", str(YEARS[0] - 1972 + 4), "--number", "1")
    return f"{len(YEARS)} Journals with {many} papers, and next year's in the making"


def members(demo: Demo) -> str:
    """Members of several classes, some with a postal address, whose dues are paid, owed or lapsed."""
    for name, fee in (("full", "30.00"), ("retired", "15.00"), ("student", "10.00"), ("library", "45.00")):
        demo("members", "class", "edit", name, "--fee", fee)
    with (demo.examples / "people.csv").open(encoding="utf-8", newline="") as file:
        known = [row for row in csv.DictReader(file) if row["member"] == "yes"]
    chosen = known[:24]
    demo("people", "import", _posts(demo, chosen), "--yes")
    for place, name in enumerate(("retired", "retired", "retired", "student", "student", "honorary")):
        demo("members", "edit", chosen[place]["address"], "--class", name)
    demo("members", "add", "library@institute.example.org", "--class", "library")
    for row in chosen[6:18]:
        paid = TODAY - timedelta(days=10) if row in chosen[14:17] else date(TODAY.year - 1, 12, 31)
        demo("members", "edit", row["address"], "--since", "2015-01-01", "--paid-until", paid.isoformat())
    lines = ["Date;Amount;Name;Reference"]
    for row in chosen[6:14]:
        reference = demo.json("members", "show", row["address"])["reference"]
        lines.append(f"{TODAY.year}-01-20;30.00;{row['name']};{reference}")
    lines.append(f"{TODAY.year}-01-22;5.00;A STRANGER;JOURNAL")
    paid = demo.json("dues", "import", demo.file("statement.csv", "\n".join(lines) + "\n"))
    return f"{len(demo.json('members', 'list'))} members; {len(paid['lines'])} lines of a bank statement"


def _posts(demo: Demo, rows: list[dict[str, str]]) -> Path:
    """Write a sheet with postal addresses, and with a library that reads no newsletter."""
    out = io.StringIO()
    names = ["address", "name", "lists", "journal_format", "postal_country", "postal_street", "postal_city"]
    sheet = csv.writer(out)
    sheet.writerow([*names, "postal_region", "postal_postcode"])
    library = {"address": "library@institute.example.org", "name": "Library of the Example Institute"}
    for place, row in enumerate([*rows, library]):
        country, street, city, region, postcode = TOWNS[place % len(TOWNS)]
        wanted = ("paper", "both")[place % 2]
        lists = "newsletter:subscribed" if row is not library else ""
        sheet.writerow(
            [row["address"], row["name"], lists, wanted, country, street.format(n=place + 1), city, region, postcode]
        )
    return demo.file("addresses.csv", out.getvalue())


def despatch(demo: Demo) -> str:
    """Last year's Journal has gone: labels, the post, an envelope that came back."""
    year = str(YEARS[-1])
    demo("journal", "despatch", "plan", year)
    demo("journal", "despatch", "freeze", year, "--yes")
    labels = demo.folder / "made" / f"labels-{year}.pdf"
    demo("journal", "despatch", "labels", year, "--out", labels)
    demo("journal", "despatch", "post", year)
    report = demo.json("journal", "despatch", "report", year, "--copies")
    back = next(one for one in report["each"] if one["standing"] == "posted")
    demo("journal", "despatch", "returned", year, str(back["person"]))
    copies = report["copies"]
    return f"{copies['owed']} copies owed: {copies['paper']} posted, {copies['email']} by email"


def papers(demo: Demo) -> str:
    """Five papers that came in: one new, one being read, one accepted, one declined, one in next year's Journal."""
    numbers: list[str] = []
    for title, name, abstract in PAPERS:
        address = f"{name.split()[0].lower()}.{len(numbers)}@authors.example.net"
        file = demo.file(f"paper-{len(numbers) + 1}.pdf", pdf(f"{title}, again", name, abstract, 5))
        words = ["--title", f"{title}, again", "--name", name, "--address", address, "--abstract", abstract]
        numbers.append(demo.json("papers", "add", file, *words)["number"])
    _, read, accepted, declined, journal = numbers
    demo("papers", "assign", read, "halmos.zsofia@mail.example.org")
    demo("papers", "decide", accepted, "accept", "--reason", "Shorten the second part to a page.")
    demo("papers", "decide", declined, "decline", "--reason", "We had one like it last year.")
    demo("papers", "decide", journal, "accept")
    demo("papers", "decide", journal, "journal", str(TODAY.year + 1))
    return f"{len(numbers)} papers"


def orders(demo: Demo) -> str:
    """Strangers who order last year's Journal: one waits to be paid, one is paid, one is posted, one got money back."""
    label = str(YEARS[-1])
    made = []
    for place, name in enumerate(("Ada Reader", "Béla Olvasó", "Carl Leser", "Dora Lectrice")):
        country, street, city, region, postcode = TOWNS[place]
        where = ["--country", country, "--street", street.format(n=place + 40), "--city", city, "--postcode", postcode]
        address = f"{name.split()[0].lower()}@buyers.example.net".replace("é", "e")
        words = ["--name", name, "--address", address, *where, *(["--area", region] if region else [])]
        made.append(demo.json("orders", "add", f"{label}:{place % 2 + 1}", *words)["reference"])
    for reference in made[1:]:
        demo("orders", "paid", reference)
    demo("orders", "posted", made[2])
    demo("orders", "refund", made[3], "--reason", "Ordered twice.")
    demo("orders", "paper", made[1], "--out", demo.folder / "made" / "invoice.pdf")
    sheet = demo.folder / "made" / f"treasurer-{TODAY.year}.xlsx"
    (total,) = demo.json("orders", "statement", str(TODAY.year), "--out", sheet)["totals"]
    return f"{len(made)} orders; with the dues they bring £{total['together'] / 100:.2f} this year"


def shelves(demo: Demo) -> str:
    """A leaflet and slides on the page of resources; the society's year; two who ask to join."""
    demo("documents", "add", demo.examples / "leaflet.md", "--title", "A first evening", "--version", "2026")
    slides = demo.file("slides.pdf", pdf("What a Balint group is", "The Example Balint Society", PIECES[1][1], 8))
    demo(
        "documents",
        "add",
        slides,
        "--title",
        "An introduction in eight slides",
        "--remark",
        "For a talk of half an hour.",
    )
    demo("calendar", "usual")
    demo("subscribe", "newcomer@example.net", "asks@example.org", "--request")
    demo("archive", "index")
    return "a leaflet, slides, the society's year, two requests to join"


STEPS: tuple[tuple[str, Callable[[Demo], str]], ...] = (
    ("newsletters", newsletters),
    ("journals", journals),
    ("members", members),
    ("despatch", despatch),
    ("orders", orders),
    ("papers", papers),
    ("shelves", shelves),
)


def furnish(folder: Path, examples: Path) -> Iterator[tuple[str, str]]:
    """Take every step that is still to be taken; yield its first line and what came of it. Raises Failed."""
    demo, done = Demo(folder, examples), folder / ".steps"
    done.mkdir(exist_ok=True)
    choose_the_outbox(folder)
    for name, step in STEPS:
        if not (done / name).exists():
            yield (step.__doc__ or name), step(demo)
            (done / name).touch()


if __name__ == "__main__":
    sys.exit("Run examples/demo.py, or: make demo")
