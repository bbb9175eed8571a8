"""An invented archive to load and to search: sixty years of a Journal, twenty papers each, and a thousand newsletters.

Words are drawn as languages have them (Zipf's law) from a list that is made of syllables, some with accents; the same
seed gives the same archive. Papers are real PDFs beside one BibTeX file, newsletters Markdown.
"""

import random
from dataclasses import dataclass
from pathlib import Path

from reportlab.lib.pagesizes import A5
from reportlab.pdfgen import canvas

YEARS, PAPERS, NEWSLETTERS = 60, 20, 1_000
WORDS_OF_PAPER, WORDS_OF_NEWSLETTER = 3_000, 800
FIRST_YEAR = 1965
_VOCABULARY = 30_000
_SYLLABLES = (
    "ba",
    "lint",
    "gru",
    "pe",
    "doc",
    "tor",
    "pa",
    "ti",
    "ent",
    "lis",
    "ten",
    "sto",
    "ry",
    "si",
    "len",
    "ce",
    "dre",
    "am",
    "ház",
    "fő",
    "út",
    "kör",
    "zseb",
    "arz",
    "beg",
    "hal",
    "me",
    "lé",
    "ci",
    "né",
    "wei",
    "gruß",
    "stun",
    "de",
    "mü",
    "he",
    "ra",
    "tiv",
    "con",
    "sul",
    "ta",
    "tion",
    "ther",
    "ap",
    "ie",
    "ill",
    "ness",
    "cas",
    "e",
)
_FAMILIES = (
    "Balint",
    "Courtenay",
    "Elder",
    "Hull",
    "Julian",
    "Samuel",
    "Salinsky",
    "Sackin",
    "Otten",
    "Nagy",
    "Müller",
)
_GIVEN = ("Enid", "Michael", "Andrew", "Sally", "Paul", "John", "Heide", "Ágnes", "Zoltán", "Jürgen", "Anne-Marie")
_ON_A_LINE, _ON_A_PAGE = 11, 38


@dataclass(frozen=True, slots=True)
class Archive:
    """Where it lies, and questions that people might ask of it."""

    papers: Path
    newsletters: Path
    questions: tuple[str, ...]


class Writer:
    """Writes texts of words drawn by their frequency."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        made: dict[str, None] = {}
        while len(made) < _VOCABULARY:
            made["".join(self.random.choices(_SYLLABLES, k=self.random.randint(1, 4)))] = None
        self.words = list(made)
        self._weights = [1 / (rank + 3) for rank in range(_VOCABULARY)]

    def text(self, count: int) -> list[str]:
        return self.random.choices(self.words, self._weights, k=count)

    def questions(self, number: int) -> tuple[str, ...]:
        """Return questions: words common and rare, two and three of them, phrases, beginnings, names, nothing."""
        draw, common, usual, rare = self.random, self.words[:40], self.words[40:1500], self.words[1500:12_000]
        kinds = (
            lambda: draw.choice(usual),
            lambda: f"{draw.choice(usual)} {draw.choice(usual)}",
            lambda: draw.choice(rare),
            lambda: f"{draw.choice(common)} {draw.choice(usual)} {draw.choice(usual)}",
            lambda: draw.choice(_FAMILIES),
            lambda: f'"{draw.choice(common)} {draw.choice(common)}"',
            lambda: f"{draw.choice(usual)} -{draw.choice(usual)}",
            lambda: draw.choice(rare)[:5],
            lambda: draw.choice(common),
            lambda: f"{draw.choice(_FAMILIES)} {draw.choice(usual)}",
        )
        return tuple(kinds[at % len(kinds)]() for at in range(number))


def write(folder: Path, *, years: int = YEARS, newsletters: int = NEWSLETTERS, seed: int = 84) -> Archive:
    """Write the archive into `folder`; return where it is."""
    writer = Writer(seed)
    papers, letters = folder / "papers", folder / "newsletters"
    papers.mkdir(parents=True)
    letters.mkdir()
    entries = []
    for year in range(FIRST_YEAR, FIRST_YEAR + years):
        for number in range(PAPERS):
            entries.append(_paper(writer, papers, year, number))
    (papers / "all.bib").write_text("\n".join(entries), "utf-8")
    for number in range(newsletters):
        _newsletter(writer, letters, number)
    return Archive(papers, letters, writer.questions(200))


def _paper(writer: Writer, folder: Path, year: int, number: int) -> str:
    key = f"p{year}{number:02}"
    title = " ".join(writer.text(writer.random.randint(4, 9))).capitalize()
    authors = " and ".join(
        f"{writer.random.choice(_FAMILIES)}, {writer.random.choice(_GIVEN)}" for _ in range(writer.random.randint(1, 3))
    )
    words = writer.text(WORDS_OF_PAPER)
    page = canvas.Canvas(str(folder / f"{key}.pdf"), pagesize=A5)
    lines = [" ".join(words[at : at + _ON_A_LINE]) for at in range(0, len(words), _ON_A_LINE)]
    for first in range(0, len(lines), _ON_A_PAGE):
        text = page.beginText(30, 560)
        text.setFont("Helvetica", 8)
        for line in lines[first : first + _ON_A_PAGE]:
            text.textLine(line)
        page.drawText(text)
        page.showPage()
    page.save()
    first_page = 1 + number * 8
    return (
        f"@article{{{key}, author = {{{authors}}}, title = {{{title}}}, year = {year}, volume = {year - 1964},\n"
        f"  pages = {{{first_page}--{first_page + 7}}}, abstract = {{{' '.join(writer.text(120))}}},\n"
        f"  doi = {{10.1234/jbs.{year}.{number}}}}}\n"
    )


def _newsletter(writer: Writer, folder: Path, number: int) -> None:
    day = f"{1985 + number // 25}-{number % 12 + 1:02}-{number % 25 + 1:02}"
    words = writer.text(WORDS_OF_NEWSLETTER)
    paragraphs = [" ".join(words[at : at + 80]).capitalize() + "." for at in range(0, len(words), 80)]
    title = " ".join(writer.text(5)).capitalize()
    head = f"---\ntitle: {title}\nnumber: {number + 1}\ndate: {day}\n---\n\n"
    (folder / f"{day}-{number + 1}.md").write_text(head + "\n\n".join(paragraphs) + "\n", "utf-8")
