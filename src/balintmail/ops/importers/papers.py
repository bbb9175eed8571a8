"""Read lists of past papers: BibTeX, CSV, TSV or XLSX, alone or beside the PDFs they name.

A line that says too little is told with its reason, and the others go on. PDFs are known by their names within the
folder alone: no path that a list names is ever opened. What comes of the papers: services/journal_import.py.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from balintmail.domain import bibtex, reading
from balintmail.domain.bibtex import BibtexRefused
from balintmail.domain.journal_import import Record
from balintmail.domain.journal_issues import sort_name
from balintmail.domain.latex import plain as without_latex
from balintmail.domain.search import tokens
from balintmail.errors import NotFound
from balintmail.ops.importers import text, workbook
from balintmail.ops.importers.columns import plain
from balintmail.ops.importers.table import FileRefused, Limits, Line, bounded

LISTS = frozenset({".bib", ".csv", ".tsv", ".xlsx"})
LARGEST_BIB = 20_000_000  # octets
MOST_FILES = 20_000
MOST_LINES = 50_000
DEEPEST = 8  # folders in folders
_TITLES: dict[str, frozenset[str]] = {
    name: frozenset(plain(title) for title in titles.split("|"))
    for name, titles in {
        "title": "title|article title|paper|titel|titel des beitrags|titre|cím|cim",
        "authors": "authors|author|author s|autoren|autor|autoren innen|verfasser|auteurs|auteur|szerzők|szerző",
        "year": "year|publication year|jahr|jahrgang|année|annee|év|ev|évszám",
        "volume": "volume|vol|band|bd|kötet|kotet|évfolyam",
        "number": "number|no|nr|issue|heft|numéro|numero|szám|szam|füzet",
        "pages": "pages|page|pp|seiten|seite|oldal|oldalak|page range|page numbers",
        "first": "first page|start page|from page|erste seite|première page",
        "last": "last page|end page|to page|letzte seite|dernière page",
        "abstract": "abstract|summary|zusammenfassung|résumé|resume|összefoglaló|osszefoglalo|kivonat",
        "doi": "doi",
        "issn": "issn",
        "language": "language|lang|sprache|langue|nyelv",
        "kind": "kind|type|article type|art|rubrik|genre|rovat|item type",
        "published": "published|date|publication date|published on|erschienen|datum|paru|date de parution|megjelent",
        "embargo": "embargo|embargo until|open from|frei ab|ouvert le",
        "theme": "theme|issue title|special issue|thema|heftthema|thème|téma",
        "file": "file|pdf|file name|filename|pdf file|file attachments|datei|fichier|fájl|fajl",
    }.items()
}  # fmt: skip
_ARTICLES = frozenset({"article", "inproceedings", "incollection", "misc", "unpublished", "online", "suppperiodical"})
_BETWEEN = re.compile(r"\s*(?:;|\||\n|\s+and\s+|\s+&\s+)\s*")
_JABREF = re.compile(r"(?<!\\):")


@dataclass(frozen=True, slots=True)
class Refused:
    """A line or a file that cannot be taken in, and why."""

    origin: str
    reason: str


@dataclass(slots=True)
class Papers:
    """What a folder or a list holds: the lines, those that cannot be read, and the PDFs by their paths within it."""

    records: list[Record] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    pdfs: dict[str, Path] = field(default_factory=dict)


def read(path: Path) -> Papers:
    """Return what is in a folder or a list; raise NotFound for what is not there, FileRefused for what is no list."""
    if not path.exists():
        raise NotFound(f"There is no {path}.")
    found = Papers()
    if path.is_dir():
        files = list(_files(path, path, 0))
        found.pdfs = {name: file for name, file in files if file.suffix.lower() == ".pdf"}
        lists = [(name, file) for name, file in files if file.suffix.lower() in LISTS]
        if not lists:
            raise FileRefused(
                f"{path} holds no list of papers.", hint="Put a .bib, .csv or .xlsx file beside the PDFs."
            )
        for name, file in lists:
            _read_list(found, name, file, strict=len(lists) == 1)
        return found
    if path.suffix.lower() not in LISTS:
        raise FileRefused(f"{path.name} is no list of papers.", hint="BibTeX (.bib), CSV, TSV and XLSX are read.")
    _read_list(found, path.name, path, strict=True)
    if any(record.file for record in found.records):
        found.pdfs = {name: file for name, file in _files(path.parent, path.parent, 0) if file.suffix.lower() == ".pdf"}
    return found


def _read_list(found: Papers, name: str, file: Path, *, strict: bool) -> None:
    """Add what a list says; one of several that cannot be read is told and passed over."""
    try:
        lines = _bibtex(file, name) if file.suffix.lower() == ".bib" else _table(file, name, found.columns)
        for one in lines:
            if isinstance(one, Refused):
                found.refused.append(one)
            else:
                found.records.append(one)
    except FileRefused as exc:
        if strict:
            raise
        found.refused.append(Refused(name, exc.message.rstrip(".")))


def _files(root: Path, folder: Path, depth: int) -> Iterator[tuple[str, Path]]:
    """Yield the files in a folder with their paths within it; links and hidden ones are passed over."""
    count = 0
    for one in sorted(folder.iterdir(), key=lambda one: one.name):
        if one.name.startswith(".") or one.is_symlink():
            continue
        if one.is_file():
            count += 1
            if count > MOST_FILES:
                raise FileRefused(f"{folder} holds more than {MOST_FILES:,} files.", hint="Name a smaller folder.")
            yield one.relative_to(root).as_posix(), one
        elif one.is_dir() and depth < DEEPEST:
            yield from _files(root, one, depth + 1)


def _bibtex(file: Path, name: str) -> Iterator[Record | Refused]:
    raw = file.read_bytes() if file.stat().st_size <= LARGEST_BIB else None
    if raw is None:
        raise FileRefused(f"{file.name} is larger than {LARGEST_BIB // 1_000_000} MB.", hint="Split it.")
    try:
        content = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        content = raw.decode("cp1252", "replace")
    if "\0" in content:
        raise FileRefused(f"{file.name} is no text.", hint="Export it anew as BibTeX.")
    try:
        entries = bibtex.parse(content)
    except BibtexRefused as exc:
        raise FileRefused(f"{file.name}, line {exc.line}: {exc.reason}.", hint="Mend that line.") from exc
    if not entries:
        raise FileRefused(f"{file.name} holds no entry of BibTeX.")
    for entry in entries:
        origin = f"{name}, line {entry.line}"
        if entry.kind not in _ARTICLES:
            yield Refused(origin, f"@{entry.kind[:30]} is no paper of a journal")
            continue
        yield _entry(entry, origin)


def _entry(entry: bibtex.Entry, origin: str) -> Record:
    def said(*names: str) -> str:
        return next((found for one in names if (found := without_latex(entry.fields.get(one, "")))), "")

    people, _ = reading.names(entry.fields.get("author", ""))
    title, more = said("title"), said("subtitle")
    date = said("date")
    return Record(
        origin=origin,
        title=f"{title}: {more}" if more else title,
        year=said("year") or date[:4],
        volume=said("volume"),
        number=said("number", "issue"),
        pages=said("pages").replace("--", "–"),
        authors=tuple((_printed(one), f"{one.family}, {one.given}" if one.given else one.family) for one in people),
        abstract=_paragraphs(entry.fields.get("abstract", "")),
        doi=entry.fields.get("doi", "").replace("\\", "").strip("{} "),
        issn=said("issn"),
        language=_language(said("langid", "language")),
        kind=said("type", "entrysubtype"),
        published=date or said("month"),
        embargo=said("embargo"),
        theme=said("issuetitle"),
        file=_named_file(entry.fields.get("file", "") or entry.fields.get("pdf", "")),
        key=entry.key,
    )


def _printed(one: reading.Name) -> str:
    return f"{one.given} {one.family}".strip()


def _paragraphs(text: str) -> str:
    parts = [without_latex(part) for part in re.split(r"\n\s*\n|\\par\b", text)]
    return "\n\n".join(part for part in parts if part)


def _language(text: str) -> str:
    """Return a language's tag, also for the names that biblatex has for it."""
    names = {
        "english": "en", "british": "en-GB", "american": "en-US", "ukenglish": "en-GB", "usenglish": "en-US",
        "german": "de", "ngerman": "de", "deutsch": "de", "austrian": "de-AT", "naustrian": "de-AT", "french": "fr",
        "francais": "fr", "français": "fr", "hungarian": "hu", "magyar": "hu", "spanish": "es", "italian": "it",
        "dutch": "nl", "portuguese": "pt", "romanian": "ro", "swedish": "sv", "greek": "el", "chinese": "zh",
    }  # fmt: skip
    return names.get(text.lower(), text)


def _named_file(text: str) -> str:
    """Return the PDF that a field names: a path, or as JabRef and Zotero write it, `title:path:type;…`."""
    for one in re.split(r"(?<!\\);", text):
        pieces = [piece.replace("\\:", ":").replace("\\;", ";").strip() for piece in _JABREF.split(one)]
        named = [piece for piece in pieces if piece.lower().endswith(".pdf")]
        if named:
            return named[-1].replace("\\\\", "/").replace("\\", "/")
    return text.strip()


def _table(file: Path, name: str, columns: dict[str, str]) -> Iterator[Record | Refused]:
    limits = Limits(cell=20_000, rows=MOST_LINES)
    with file.open("rb") as opened:
        start = opened.read(8)
    table = workbook.read(file, limits) if start.startswith(workbook.ZIP_MARK) else text.read(file, limits)
    lines = bounded(table.lines, limits)
    places: dict[str, int] = {}
    for line in lines:
        places = _places(line.cells)
        if {"title", "year"} <= places.keys():
            break
        if line.number > 20:
            places = {}
            break
    if "title" not in places or "year" not in places:
        hint = "Give its columns titles such as Title, Authors, Year, Volume, Pages and File."
        raise FileRefused(f"{file.name} has no columns of papers that are known: title and year at least.", hint=hint)
    columns.update({known: line.cells[at].strip() for known, at in places.items()})
    for one in lines:
        if any(cell.strip() for cell in one.cells):
            yield _row(one, places, f"{name}, line {one.number}", limits)


def _places(cells: Sequence[str]) -> dict[str, int]:
    places: dict[str, int] = {}
    for at, cell in enumerate(cells):
        for known, titles in _TITLES.items():
            if plain(cell.strip()) in titles:
                places.setdefault(known, at)
    return places


def _row(line: Line, places: Mapping[str, int], origin: str, limits: Limits) -> Record | Refused:
    def said(name: str) -> str:
        at = places.get(name)
        return line.cells[at].strip() if at is not None and at < len(line.cells) else ""

    if any(len(cell) > limits.cell for cell in line.cells):
        return Refused(origin, f"a cell holds more than {limits.cell:,} characters")
    pages = said("pages") or "-".join(part for part in (said("first"), said("last")) if part)
    return Record(
        origin=origin,
        title=" ".join(said("title").split()),
        year=said("year").removesuffix(".0"),
        volume=said("volume").removesuffix(".0"),
        number=said("number").removesuffix(".0"),
        pages=pages,
        authors=people(said("authors"), said("language")),
        abstract=said("abstract"),
        doi=said("doi"),
        issn=said("issn"),
        language=_language(said("language")),
        kind=said("kind"),
        published=said("published")[:10],
        embargo=said("embargo")[:10],
        theme=said("theme"),
        file=said("file").replace("\\", "/"),
    )


def people(text: str, language: str = "") -> tuple[tuple[str, str], ...]:
    """Return the authors of a cell: `Michael Balint; Enid Balint`, `Balint, M.; Balint, E.`, `A Jones, B Smith`.

    Where commas alone stand between words, they part names only when each part has a blank in it.
    """
    parts = [part.strip(" ,") for part in _BETWEEN.split(text) if part.strip(" ,")]
    if len(parts) == 1 and parts[0].count(",") >= 1:
        pieces = [piece.strip() for piece in parts[0].split(",")]
        particle = len(pieces) == 2 and pieces[0][:1].islower()  # van der Berg, Jan Willem
        if all(" " in piece for piece in pieces) and not particle:
            parts = pieces
    found = []
    for part in parts:
        family, comma, given = part.partition(",")
        printed = f"{given.strip()} {family.strip()}" if comma else part
        found.append((printed, f"{family.strip()}, {given.strip()}" if comma else sort_name(part, language)))
    return tuple(found)


class Shelf:
    """The PDFs of a folder, found by what a list says of them; nothing outside the folder is ever looked at."""

    def __init__(self, pdfs: Mapping[str, Path]) -> None:
        self._pdfs = pdfs
        self._by_name: dict[str, list[str]] = {}
        self._by_words: dict[str, list[str]] = {}
        for name in pdfs:
            pure = PurePosixPath(name)
            self._by_name.setdefault(pure.name.casefold(), []).append(name)
            self._by_words.setdefault(" ".join(tokens(pure.stem)), []).append(name)

    def find(self, record: Record) -> str | None:
        """Return the path, within the folder, of the PDF of a paper: as named, by its name alone, else by its key.

        None where there is none, or where several could be meant.
        """
        if record.file:
            if record.file in self._pdfs:
                return record.file
            return self._only(self._by_name, PurePosixPath(record.file).name.casefold())
        for said in (record.key, record.doi.rpartition("/")[2], record.title):
            if said and (found := self._only(self._by_words, " ".join(tokens(said)))):
                return found
        return None

    def _only(self, among: Mapping[str, list[str]], name: str) -> str | None:
        found = among.get(name, [])
        return found[0] if len(found) == 1 else None
