"""Show balintmail at work: found a society in demo/, bring in 300 fictional readers and send them a newsletter.

Run by `make demo`. Nothing leaves this machine: the default transport writes every message into demo/outbox/. A second
run goes on where the first stopped, or says that all is done.
"""

import shlex
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
DEMO = ROOT / "demo"
PREVIEW = DEMO / "preview"
IMPORTED = DEMO / ".imported"  # left by the first run, so that the second asks the register nothing
FURNISHED = DEMO / ".furnished"  # the same for the year, the leaflet and the paper
LETTER = "newsletter/84"
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
    if not FURNISHED.exists():
        steps += furnishing()
    for title, words in steps:
        print(f"\n== {title}\n$ balintmail {' '.join(quoted(word) for word in words)}\n", flush=True)
        status = subprocess.run([sys.executable, "-m", "balintmail", *words], cwd=ROOT, check=False).returncode
        if status:
            return status
        if "import" in words:
            IMPORTED.touch()
    FURNISHED.touch()
    say_where_to_look()
    return 0


def furnishing() -> list[tuple[str, list[str]]]:
    """Return what else a living society has: its year, a leaflet on the page of resources, a paper for the Journal."""
    leaflet = ["documents", "add", "examples/leaflet.md", "--title", "A first evening", "--version", "2026"]
    author = ["--name", "Dr Jane Invented", "--address", "jane.invented@example.org"]
    paper = ["papers", "add", "examples/paper.md", "--title", "On listening twice", *author]
    return [
        ("Enter what a society does in a year", ["-C", "demo", "calendar", "usual"]),
        ("Offer a leaflet", ["-C", "demo", *leaflet]),
        ("Take a paper for the Journal", ["-C", "demo", *paper]),
    ]


def quoted(word: str) -> str:
    """Return `word` as one would type it in a shell."""
    return f'"{word}"' if " " in word else word


def say_where_to_look() -> None:
    """Name the files to open and the commands to try."""
    pages = sorted(PREVIEW.rglob("*.html"))
    print("\n== Where to look")
    if pages:
        print(f"In a browser       {pages[0]}")
    print(f"Every message      {DEMO / 'outbox' / 'new'}")
    print(f"Settings           {DEMO / 'balintmail.toml'}")
    print("\n== What to try next")
    print(f"cd {shlex.quote(str(ROOT))}")
    print(". .venv/bin/activate        # afterwards the command is called balintmail")
    print(f"balintmail -C demo mailings show {LETTER}")
    print("balintmail -C demo outbox list")
    print("balintmail -C demo people list --where 'member and language = \"hu\"'")
    print("balintmail -C demo new my-newsletter.md && balintmail -C demo check my-newsletter.md")
    print("balintmail -C demo pages list && balintmail -C demo papers list && balintmail -C demo calendar list")
    print("balintmail -C demo serve            # the society's site, on this machine")
    print("README.md goes on from here: an instance of your own, and a relay that really sends.")


if __name__ == "__main__":
    sys.exit(main())
