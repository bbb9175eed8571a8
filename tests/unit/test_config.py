"""Settings: the order of their sources; a typo is named with key, file, line and the nearest key (J8, J9)."""

from datetime import timedelta
from pathlib import Path

import pytest

from balintmail.config import ConfigError, Relay, Security, TransportKind, load


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("BALINTMAIL_"):
            monkeypatch.delenv(name)


def write(folder: Path, settings: str = "", secrets: str = "") -> Path:
    (folder / "balintmail.toml").write_text(settings, "utf-8")
    if secrets:
        (folder / "secrets.toml").write_text(secrets, "utf-8")
        (folder / "secrets.toml").chmod(0o600)
    return folder


def refusal(folder: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(folder)
    return caught.value


def test_environment_is_over_secrets_over_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        tmp_path,
        '[relays.main]\nhost = "a.example.org"\nport = 1\nusername = "a"\n',
        '[relays.main]\nusername = "b"\nport = 2\npassword = "p"\n',
    )
    monkeypatch.setenv("BALINTMAIL_RELAYS__MAIN__PORT", "3")
    loaded = load(tmp_path)
    relay = loaded.settings.relays["main"]
    assert (relay.host, relay.username, relay.port) == ("a.example.org", "b", 3)
    assert relay.password.get_secret_value() == "p"
    assert loaded.origin["relays.main.host"] == "balintmail.toml"
    assert loaded.origin["relays.main.username"] == "secrets.toml"
    assert loaded.origin["relays.main.port"] == "environment"


def test_password_from_the_environment_is_text_even_when_it_is_digits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BALINTMAIL_RELAYS__MAIN__PASSWORD", "012345")
    assert load(write(tmp_path)).settings.relays["main"].password.get_secret_value() == "012345"


def test_three_lines_make_a_relay_the_transport(tmp_path: Path) -> None:
    settings = load(write(tmp_path, '[relays.main]\nhost = "127.0.0.1"\nport = 2525\nsecurity = "none"\n')).settings
    assert settings.transport is TransportKind.SMTP
    assert settings.relays["main"].security is Security.NONE
    assert load(write(tmp_path)).settings.transport is TransportKind.OUTBOX


def test_time_spans_are_read_in_words(tmp_path: Path) -> None:
    for text, expected in (('"90s"', 90), ('"2m"', 120), ('"1h"', 3600), ('"4d"', 345_600), ("0", 0), ('"15"', 15)):
        assert load(write(tmp_path, f"[send]\nhold = {text}\n")).settings.send.hold == timedelta(seconds=expected)


@pytest.mark.parametrize(
    ("settings", "line", "key", "nearest"),
    [
        ('[society]\nname = "x"\n\n[send]\nhodl = "2m"\n', 5, "send.hodl", "send.hold"),
        ('[sociaty]\nname = "x"\n', 1, "sociaty", "society"),
        ('# c\n[relay.main]\nhost = "x"\n', 2, "relay", "relays"),
        ('[relays.main]\nhost = "x"\nper_huor = 200\n', 3, "relays.main.per_huor", "relays.main.per_hour"),
        ('relays.main.hots = "x"\n', 1, "relays.main.hots", "relays.main.host"),
        ('relays = { main = { hots = "x" } }\n', 1, "relays.main.hots", "relays.main.host"),
        ('send . hodl = "2m"\n', 1, "send.hodl", "send.hold"),
        ("\n[\"relays\".'main']\nprot = 1\n", 3, "relays.main.prot", "relays.main.port"),
    ],
)
def test_typing_mistake_names_key_file_line_and_nearest_key_J8(
    tmp_path: Path, settings: str, line: int, key: str, nearest: str
) -> None:
    error = refusal(write(tmp_path, settings))
    assert error.message == f'balintmail.toml, line {line}: there is no setting "{key}".'
    assert error.hint == f"Nearest: {nearest}"
    assert error.exit_status == 1


def test_typing_mistake_in_the_secrets_names_that_file_J8(tmp_path: Path) -> None:
    error = refusal(write(tmp_path, "", '[relays.main]\npasswort = "geheim"\n'))
    assert error.message.startswith('secrets.toml, line 2: there is no setting "relays.main.passwort"')
    assert "geheim" not in error.message + error.hint


@pytest.mark.parametrize(
    ("variable", "says", "nearest"),
    [
        ("BALINTMAIL_SEND__HODL", "BALINTMAIL_SEND__HODL", "send.hold"),
        ("BALINTMAIL_SOCEITY__NAME", "BALINTMAIL_SOCEITY__NAME", "BALINTMAIL_SOCIETY__"),
        ("BALINTMAIL_RELAYS__MAIN__PASSWROD", "BALINTMAIL_RELAYS__MAIN__PASSWROD", "relays.main.password"),
    ],
)
def test_typing_mistake_in_the_environment_is_named_too_J8(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, says: str, nearest: str
) -> None:
    monkeypatch.setenv(variable, "x-geheim")
    error = refusal(write(tmp_path))
    assert says in error.message
    assert nearest in error.hint
    assert "geheim" not in error.message + error.hint


@pytest.mark.parametrize(
    ("settings", "line", "words"),
    [
        ('[send]\nhold = "soon"\n', 2, 'written like "90s"'),
        ("[send]\nhold = -5\n", 2, 'written like "90s"'),
        ("[send]\nhold = inf\n", 2, 'written like "90s"'),
        ("[send]\nhold = nan\n", 2, 'written like "90s"'),
        ('[send]\ngive_up_after = "367d"\n', 2, 'at most "366d"'),
        ('[send]\ngive_up_after = "999999999999999d"\n', 2, 'at most "366d"'),
        ('[society]\nurl = "https://a b.example.org"\n', 2, "public address is written like"),
        ('[send]\nunknown = "guess"\n', 2, "'hold' or 'resend'"),
        ('[society]\ntimezone = "Mars/Olympus"\n', 2, "Mars/Olympus"),
        ('[society]\nurl = "example.org"\n', 2, "https://balint.example.org"),
        ("[relays.main]\nport = 99999\n", 2, "65535"),
        ("[society]\nname = 5\n", 2, "a text in quotation marks"),
        ('[relays.main]\nsecurity = "ssl"\n', 2, "'starttls'"),
        ("relays = 5\n", 1, "relays"),
    ],
)
def test_impossible_value_names_key_file_and_line_J8(tmp_path: Path, settings: str, line: int, words: str) -> None:
    error = refusal(write(tmp_path, settings))
    assert error.message.startswith(f"balintmail.toml, line {line}: ")
    assert words in error.message


def test_list_in_the_environment_that_is_none_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BALINTMAIL_SOCIETY__LANGUAGES", "en,hu")
    error = refusal(write(tmp_path))
    assert "BALINTMAIL_SOCIETY__" in error.message
    assert '["en", "hu"]' in error.hint


def test_damaged_toml_names_its_line(tmp_path: Path) -> None:
    assert "line 2" in refusal(write(tmp_path, "[send]\nhold = \n")).message
    (tmp_path / "balintmail.toml").write_bytes(b"[society]\nname = '\xff'\n")
    assert "balintmail.toml cannot be read" in refusal(tmp_path).message


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_secrets_that_others_can_read_are_refused_J9(tmp_path: Path, mode: int) -> None:
    write(tmp_path, "", '[relays.main]\npassword = "p"\n')
    (tmp_path / "secrets.toml").chmod(mode)
    error = refusal(tmp_path)
    assert f"mode {mode:o}" in error.message
    assert "chmod 600" in error.hint


@pytest.mark.parametrize(
    "secret",
    [
        '[relays.main]\npassword = "p"\n',
        f'[keys]\ntokens = "{"0" * 64}"\n',
        '[database]\nurl = "postgresql+psycopg://u:p@h/n"\n',
    ],
)
def test_secret_in_the_settings_needs_their_file_private_J9(tmp_path: Path, secret: str) -> None:
    write(tmp_path, secret)
    (tmp_path / "balintmail.toml").chmod(0o644)
    assert "can be read by others" in refusal(tmp_path).message
    (tmp_path / "balintmail.toml").chmod(0o600)
    load(tmp_path)


def test_settings_without_secrets_may_be_read_by_others(tmp_path: Path) -> None:
    write(tmp_path, '[database]\nurl = "postgresql+psycopg://u@h/n"\n')
    (tmp_path / "balintmail.toml").chmod(0o644)
    load(tmp_path)


def test_settings_never_show_a_secret(tmp_path: Path) -> None:
    settings = load(write(tmp_path, "", '[relays.main]\npassword = "sesame"\n[keys]\nprevious = ["sesame"]\n')).settings
    assert "sesame" not in repr(settings)
    assert "sesame" not in str(settings.relays)


def test_accent_that_nobody_can_read_is_refused_with_the_nearest_that_passes(tmp_path: Path) -> None:
    found = refusal(write(tmp_path, '[society]\naccent = "#ffcc00"\n'))
    assert "balintmail.toml, line 2" in found.message
    nearest = found.message.partition("nearest that passes is ")[2].rstrip(".")
    assert load(write(tmp_path, f'[society]\naccent = "{nearest}"\n')).settings.society.accent == nearest
    assert "written like" in refusal(write(tmp_path, '[society]\naccent = "url(x)"\n')).message
    assert load(write(tmp_path, '[society]\naccent = "Navy"\n')).settings.society.accent == "#000080"


@pytest.mark.parametrize("text", [f"[send]\nx = {'1' * 5000}\n", f"x = {'[' * 5000}{']' * 5000}\n"])
def test_toml_that_python_itself_gives_up_on_is_refused_in_words(tmp_path: Path, text: str) -> None:
    assert "cannot be read" in refusal(write(tmp_path, text)).message


def test_word_where_a_number_belongs_is_told_without_the_parsers_words(tmp_path: Path) -> None:
    error = refusal(write(tmp_path, '[relays.main]\nhost = "x"\nport = "y"\n'))
    assert error.message == 'balintmail.toml, line 3: "relays.main.port" is not right: it takes a whole number.'


def test_per_domain_takes_a_domain_as_people_write_it_B61() -> None:
    relay = Relay(per_domain={"Példa.example.org": 5, "*": 9})
    assert relay.per_domain == {"xn--plda-bpa.example.org": 5, "*": 9}
