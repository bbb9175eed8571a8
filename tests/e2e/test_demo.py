"""`make demo`, without its installing: the first run does everything, the second says that all is done."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def demo(folder: Path) -> str:
    command = [sys.executable, str(folder / "examples" / "demo.py")]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def shown(instance: Path, said: str) -> list[int]:
    """Return how the site answers at each address that the demo names."""
    from starlette.testclient import TestClient

    from balintmail.web.app import make_app
    from balintmail.wiring import open_instance

    found = open_instance(instance)
    with TestClient(make_app(found.context()), base_url="http://127.0.0.1:8000", follow_redirects=False) as site:
        statuses = [site.get(url).status_code for url in re.findall(r"http://127.0.0.1:8000\S+", said)]
    found.close()
    return statuses


def test_demo_sends_to_three_hundred_once(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    first = demo(tmp_path)
    messages = list((tmp_path / "demo" / "outbox" / "new").iterdir())
    assert len(messages) == 300
    assert "Sent to 300" in first
    assert "Where to look" in first
    assert list((tmp_path / "demo" / "preview").rglob("*.html"))
    second = demo(tmp_path)
    assert "newsletter/84" in second
    assert sorted((tmp_path / "demo" / "outbox" / "new").iterdir()) == sorted(messages)
    assert "Bring in" not in second
    assert "Twelve newsletters" not in second, "what was made is not made again"
    assert all(words in first for words in ("12 newsletters", "3 Journals with 9 papers", "5 papers", "4 orders"))
    assert sorted(shown(tmp_path / "demo", second)) == [*[200] * 11]
    raw = b"".join(message.read_bytes() for message in messages)
    assert b"xn--plda-bpa.example.org" in raw  # the internationalised domain, as the wire wants it


def test_example_people_are_fictional_and_many_sided() -> None:
    import csv

    with (ROOT / "examples" / "people.csv").open(encoding="utf-8", newline="") as file:
        people = list(csv.DictReader(file))
    assert len(people) == 300
    addresses = [person["address"] for person in people]
    assert len(addresses) - len(set(addresses)) == 1  # two people on one address
    assert all(address.endswith((".org", ".net")) and "example." in address for address in addresses)
    assert any(not address.isascii() for address in addresses)
    assert {person["language"] for person in people} == {"hu", "de", "fr", "zh", "mi", "en"}
    assert {person["member"] for person in people} == {"yes", "no"}
    assert any("'" in person["name"] for person in people)
    assert all(person["consent"] and person["collected"] for person in people)
