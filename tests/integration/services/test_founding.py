"""Founding makes all of an instance or nothing of it, and never overwrites."""

import multiprocessing
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from balintmail.clock import SystemClock
from balintmail.config import load
from balintmail.db.models import Address, MailingList, Meta, Officer, Person, Subscription
from balintmail.db.session import Database
from balintmail.domain.list_id import list_id
from balintmail.domain.states import Policy, Role
from balintmail.errors import Conflict, UsageRefused
from balintmail.services import founding
from balintmail.services.founding import Answers, found
from balintmail.wiring import open_instance
from tests.support import postgresql

ANSWERS = Answers("The Example Balint Society", "Rose Ormond", "secretary@balint.example.org")


def make(folder: Path, answers: Answers = ANSWERS) -> founding.Founded:
    return found(folder, answers, clock=SystemClock(), actor="the helper")


def listing(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_founding_makes_the_secretary_a_person_with_that_role_on_no_list(tmp_path: Path) -> None:
    make(tmp_path / "one")
    instance = open_instance(tmp_path / "one")
    with instance.database.read() as tx:
        person = tx.execute(select(Person)).one()
        assert person.name == "Rose Ormond"
        assert tx.scalar(select(Address.email)) == "secretary@balint.example.org"
        assert tx.execute(select(Officer.person_id, Officer.role)).one() == (person.id, Role.SECRETARY)
        assert tx.execute(select(Subscription)).all() == []
        assert tx.scalar(select(Meta.value).where(Meta.key == "instance_id"))
    instance.close()


def test_founding_makes_the_default_list_which_the_secretary_lets_people_into(tmp_path: Path) -> None:
    make(tmp_path / "one")
    instance = open_instance(tmp_path / "one")
    with instance.database.read() as tx:
        found_list = tx.execute(select(MailingList)).one()
    instance.close()
    assert (found_list.slug, found_list.policy, found_list.is_default) == ("newsletter", Policy.APPROVE, True)
    assert found_list.list_id == "newsletter.balint.example.org"


@pytest.mark.parametrize(
    ("url", "secretary", "expected"),
    [
        ("https://news.example.org/balint", "s@example.net", "newsletter.news.example.org"),
        ("", "s@example.net", "newsletter.example.net"),
        ("https://példa.example.org", "s@example.net", "newsletter.xn--plda-bpa.example.org"),
        ("http://127.0.0.1:8000", "s@example.net", "newsletter.example.net"),
        ("http://[::1]:8000", "s@example.net", "newsletter.example.net"),
        ("http://localhost:8000", "s@példa.example.org", "newsletter.xn--plda-bpa.example.org"),
    ],
)
def test_list_id_is_a_domain_name_of_the_society(url: str, secretary: str, expected: str) -> None:
    assert list_id("newsletter", url, secretary) == expected


def test_secrets_are_two_different_keys_in_a_file_of_mode_600(tmp_path: Path) -> None:
    make(tmp_path / "one")
    path = tmp_path / "one" / "secrets.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    keys = load(tmp_path / "one").settings.keys
    tokens, erasure = keys.tokens.get_secret_value(), keys.erasure.get_secret_value()
    assert len(tokens) == len(erasure) == 64
    assert tokens != erasure
    assert int(tokens, 16) != int(erasure, 16)
    assert tokens not in (tmp_path / "one" / "balintmail.toml").read_text("utf-8")


def test_every_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    make(tmp_path / "one")
    for path in (tmp_path / "one").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


@pytest.mark.parametrize("there", ["balintmail.toml", "secrets.toml", "balintmail.db"])
def test_founding_never_overwrites(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("mine")
    with pytest.raises(Conflict, match=there):
        make(tmp_path)
    assert listing(tmp_path) == {there}
    assert (tmp_path / there).read_text() == "mine"


def test_founding_refuses_a_folder_with_an_old_journal(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "2026-11.log").write_text("x")
    with pytest.raises(Conflict, match="earlier instance"):
        make(tmp_path)
    assert listing(tmp_path) == {"journal", "journal/2026-11.log"}


def test_founding_beside_other_files_leaves_them_alone(tmp_path: Path) -> None:
    (tmp_path / "newsletter.md").write_text("mine")
    make(tmp_path)
    assert (tmp_path / "newsletter.md").read_text() == "mine"


def test_founding_that_fails_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_database: Database) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(founding, "upgrade", full)
    with pytest.raises(OSError, match="No space"):
        make(tmp_path / "deep" / "er")
    assert listing(tmp_path) == set()


def test_founding_that_fails_while_moving_into_place_takes_everything_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.rename

    def rename(self: Path, target: Path) -> Path:
        if self.name == "balintmail.toml":
            raise KeyboardInterrupt
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path)
    assert listing(tmp_path) == set()


def test_founding_clears_away_what_a_killed_one_left(tmp_path: Path) -> None:
    (tmp_path / ".balintmail-init").mkdir()
    (tmp_path / ".balintmail-init" / "secrets.toml").write_text("half")
    make(tmp_path)
    assert not (tmp_path / ".balintmail-init").exists()


def _try(folder: str) -> bool:
    try:
        make(Path(folder))
    except Conflict:
        return False
    return True


def test_of_two_foundings_at_once_one_wins(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        results = pool.map(_try, [str(tmp_path / "one")] * 2)
    assert sorted(results) == [False, True]
    open_instance(tmp_path / "one").close()


ODD_NAMES = {
    "A1": "Society\r\nBcc: x@example.org",
    "A2": "Society\nX",
    "A3": "Society\rX",
    "A4": "Society\n X",
    "A9": "Society\x0bX",
    "A10": "Society\x0cX",
    "A11": "Society\x1fX",
    "A12": "Society\x85X",
    "A13": "Society\u2028X",
    "A14": "Society\u2029X",
    "A15": "Society\0X",
    "A16": "Society\udc80X",
    "A19": "S" * 10_000,
    "A20": "S" * 998,
    "A21": "   ",
    "only formatting": "\ufeff\u202e",
    "A23": "",
}


@pytest.mark.parametrize("case", ODD_NAMES)
@pytest.mark.parametrize("field", ["society", "secretary_name"])
def test_names_that_break_headers_are_refused_group_A(tmp_path: Path, case: str, field: str) -> None:
    values = {"society": "S", "secretary_name": "N", "secretary_address": "s@example.org", field: ODD_NAMES[case]}
    with pytest.raises(UsageRefused):
        make(tmp_path, Answers(**values))
    assert listing(tmp_path) == set()


@pytest.mark.parametrize("name", ["Soc\ufeffiety\u202e", " Soc\u200eiety  ", "\u2066Society\u2069"])
def test_invisible_formatting_is_taken_out_of_names_A17_A26(tmp_path: Path, name: str) -> None:
    make(tmp_path, Answers(name, name, "s@example.org"))
    assert load(tmp_path).settings.society.name == "Society"


@pytest.mark.parametrize(
    "name",
    [
        'The "Quoted" \\ Society # not a comment',
        "A5 %0d%0a",
        "A8 =?utf-8?q?a?= =?utf-8?q?b?=",
        "A22 From: x",
        "A24 =?utf-8?q?",
        "''' \"\"\" {name} %(x)s $HOME",
        "李 明 バリント 👩‍⚕️",
        "A25 " + "e\u0301" * 90,
    ],
)
def test_names_that_only_look_odd_come_back_as_they_were_typed(tmp_path: Path, name: str) -> None:
    import unicodedata

    make(tmp_path, Answers(name, name, "s@example.org"))
    assert load(tmp_path).settings.society.name == unicodedata.normalize("NFC", name)
    with closing(sqlite3.connect(tmp_path / "balintmail.db")) as db:
        assert db.execute("SELECT name FROM people").fetchone() == (unicodedata.normalize("NFC", name),)


@pytest.mark.parametrize(
    ("field", "value", "names"),
    [
        ("timezone", "Mars/Olympus", "Mars/Olympus"),
        ("timezone", "../../etc/passwd", "time zone"),
        ("timezone", "", "time zone"),
        ("timezone", "new york", "time zone"),
        ("url", "balint.example.org", "public address"),
        ("url", "javascript:alert(1)", "public address"),
        ("url", "https://user@example.org", "public address"),
        ("url", 'https://e.example.org/"', "public address"),
        ("secretary_address", "nobody", "address"),
        ("secretary_address", "a@b.example.org\r\nBcc: x@example.org", "address"),
        ("secretary_address", "a@localhost", "address"),
    ],
)
def test_answers_that_cannot_be_are_explained(tmp_path: Path, field: str, value: str, names: str) -> None:
    values = {"society": "S", "secretary_name": "N", "secretary_address": "s@example.org", field: value}
    with pytest.raises(UsageRefused, match=names):
        make(tmp_path, Answers(**values))
    assert listing(tmp_path) == set()


def test_city_without_its_zone_is_answered_with_the_zone() -> None:
    with pytest.raises(UsageRefused) as caught:
        founding.time_zone("new york")
    assert caught.value.hint == 'Write it "America/New_York".'


def test_postal_address_stands_in_the_settings(tmp_path: Path) -> None:
    make(tmp_path, Answers("S", "N", "s@example.org", postal_address='1 "Example" Street'))
    assert load(tmp_path).settings.society.address == '1 "Example" Street'


def test_every_commented_setting_is_a_real_one(tmp_path: Path) -> None:
    make(tmp_path)
    for name in ("balintmail.toml", "secrets.toml"):
        lines = (tmp_path / name).read_text("utf-8").splitlines()
        bare = [
            line.removeprefix("# ") if line.startswith(("# [", "# ")) and _is_setting(line) else line for line in lines
        ]
        (tmp_path / name).write_text("\n".join(bare), "utf-8")
    settings = load(tmp_path).settings
    assert settings.relays["main"].per_hour == 200
    assert settings.relays["main"].password.get_secret_value()
    assert settings.bounces.address == "bounces@example.org"
    assert settings.society.address


def _is_setting(line: str) -> bool:
    body = line.removeprefix("# ")
    return body.startswith("[") or body.partition(" = ")[0].isidentifier()


def test_founding_on_postgresql_keeps_its_password_among_the_secrets(
    tmp_path: Path, postgres: postgresql.Server
) -> None:
    url = postgres.fresh(migrated=False)
    with_password = url.replace("@/", ":open%20sesame@/")
    make(tmp_path, Answers("S", "N", "s@example.org", database=with_password))
    assert "sesame" not in (tmp_path / "balintmail.toml").read_text("utf-8")
    instance = open_instance(tmp_path)
    instance.database.require_schema()
    with instance.database.read() as tx:
        assert tx.scalar(select(Person.name)) == "N"
    instance.close()
    with pytest.raises(Conflict, match="register already"):
        make(tmp_path / "second", Answers("S", "N", "s@example.org", database=url))
    assert not (tmp_path / "second").exists()
    postgres.drop(url)
