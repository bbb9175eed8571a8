"""Show balintmail at work: a society in demo/ with 300 fictional readers, a newsletter, and three years behind it.

Run by `make demo`. Nothing leaves this machine: the default transport writes every message into demo/outbox/. A second
run goes on where the first stopped, or says that all is done.
"""

import re
import shlex
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
DEMO = ROOT / "demo"
PREVIEW = DEMO / "preview"
IMPORTED = DEMO / ".imported"  # left by the first run, so that the second asks the register nothing
LETTER = "newsletter/84"
SITE = "http://127.0.0.1:8000"
COMMANDS = (
    "mailings show newsletter/84",
    "members list --standing grace",
    "dues doubtful",
    "orders list --all",
    "papers list",
    "requests list",
    "journal list",
    "journal despatch report {year}",
    "calendar list",
    """people list --where 'member and language = "hu"'""",
    "new my-newsletter.md && balintmail -C demo check my-newsletter.md",
)
READER = "halmos.zsofia@mail.example.org"  # a member, who sees the members' part


def main() -> int:
    """Take every step that is still to be taken; return the exit status of the first that fails."""
    steps: list[tuple[str, list[str]]] = []
    if not (DEMO / "balintmail.toml").exists():
        society = ["--society", "The Example Balint Society", "--url", "https://balint.example.org"]
        society += ["--postal-address", "1 Example Street, London"]
        secretary = ["--secretary-name", "Rose Ormond", "--secretary-address", "rose.ormond@example.org"]
        steps.append(("Found a society in demo/", ["init", "demo", "--yes", *society, *secretary]))
    if not IMPORTED.exists():
        steps.append(("Bring in 300 people", ["-C", "demo", "people", "import", "examples/people.csv", "--yes"]))
    steps.append(("Send them the newsletter", ["-C", "demo", "send", "examples/newsletter.md", "--yes"]))
    if not PREVIEW.exists():
        preview = ["preview", "examples/newsletter.md", "--as", READER, "--out", "demo/preview"]
        steps.append(("Lay one letter out to look at", ["-C", "demo", *preview]))
    else:
        steps.append(("The receipt", ["-C", "demo", "mailings", "show", LETTER]))
    for title, words in steps:
        print(f"\n== {title}\n$ balintmail {' '.join(quoted(word) for word in words)}\n", flush=True)
        status = subprocess.run([sys.executable, "-m", "balintmail", *words], cwd=ROOT, check=False).returncode
        if status:
            return status
        if "import" in words:
            IMPORTED.touch()
    if not furnish():
        return 1
    say_where_to_look()
    return 0


def furnish() -> bool:
    """Give the society its past, and tell of each part; say what was refused otherwise."""
    import living  # noqa: PLC0415  (its neighbour in this folder; it loads the program)

    heading = "\n== Three years of a living society, all invented (examples/living.py types the commands)"
    try:
        for what, found in living.furnish(DEMO, HERE):
            if heading:
                print(heading, flush=True)
                heading = ""
            print(f"{what.rstrip('.')}:\n    {found}", flush=True)
    except living.Failed as exc:
        print(f"{exc}\nTo begin anew: rm -r demo && make demo")
        return False
    return True


def pages_to_see() -> list[tuple[str, str]]:
    """Return paths of the site with what is there; one is a reader's own, out of her letter."""
    import living  # noqa: PLC0415

    year = living.YEARS[-1]
    found = [
        ("/", "the front page"),
        ("/newsletters/newsletter", "three years of newsletters"),
        (f"/journal/{year}", "last year's Journal, under embargo"),
        (f"/journal/{year - 1}", "the one before, open to everybody"),
        ("/journal/order", "how a stranger orders it"),
        ("/copies", "how anybody asks for a copy"),
        ("/search?q=listening", "what both say of listening"),
        ("/resources", "the reading list, slides, a leaflet"),
        ("/contribute", "how a paper comes to the Journal"),
        ("/join", "the form to join"),
    ]
    for letter in sorted((DEMO / "outbox" / "new").iterdir()):
        text = letter.read_text("utf-8", "replace")
        if f"<{READER}>" in text and (own := re.search(r"/preferences/[a-z2-7]+", text.replace("=\n", ""))):
            return [*found, (own[0], "a reader's own page, linked from her letter")]
    return found


def quoted(word: str) -> str:
    """Return `word` as one would type it in a shell."""
    return f'"{word}"' if " " in word else word


def say_where_to_look() -> None:
    """Name the files to open and the commands to try."""
    import living  # noqa: PLC0415

    pages = sorted(PREVIEW.rglob("*.html"))
    print("\n== Where to look")
    if pages:
        print(f"In a browser       {pages[0]}")
    print(f"Every message      {DEMO / 'outbox' / 'new'}")
    print(f"Settings           {DEMO / 'balintmail.toml'}")
    print(f"Made for the demo  {DEMO / 'made'}: PDFs, labels, an invoice, the Treasurer's sheet")
    print("\n== What to try next")
    print(f"cd {shlex.quote(str(ROOT))}")
    print(". .venv/bin/activate        # afterwards the command is called balintmail")
    print("balintmail -C demo serve    # the society's site, on this machine; then, in a browser:")
    for path, what in pages_to_see():
        print(f"  {what:<42} {SITE + path}")
    print("\nAnd what the Secretary types:")
    for words in COMMANDS:
        print(f"balintmail -C demo {words.format(year=living.YEARS[-1])}")
    print("README.md goes on from here: an instance of your own, and a relay that really sends.")


if __name__ == "__main__":
    sys.exit(main())
