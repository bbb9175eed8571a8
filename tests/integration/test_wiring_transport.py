"""Settings become the transport they mean."""

import subprocess
import sys
from pathlib import Path

import pytest

from balintmail.config import ConfigError
from balintmail.sending.outbox import OutboxTransport
from balintmail.sending.smtp import SmtpTransport
from balintmail.wiring import open_instance, transport

KEYS = f'[keys]\ntokens = "{"ab" * 32}"\nerasure = "{"cd" * 32}"\n'


def instance(folder: Path, text: str, secrets: str = "") -> Path:
    (folder / "balintmail.toml").write_text(text)
    (folder / "secrets.toml").write_text(KEYS + secrets)
    (folder / "secrets.toml").chmod(0o600)
    return folder


def test_transport_without_a_relay_is_the_outbox(tmp_path: Path) -> None:
    found = transport(open_instance(instance(tmp_path, "")))
    assert isinstance(found, OutboxTransport)
    assert found.name == "outbox"


def test_transport_is_smtp_once_a_relay_has_a_host_in_the_order_of_the_file(tmp_path: Path) -> None:
    second = '[relays.second]\nhost = "b.example.org"\nmax_connections = 9\n'
    text = f'[relays.first]\n{second}[relays.a]\nhost = "a.example.org"\n'
    found = transport(open_instance(instance(tmp_path, text)))
    assert isinstance(found, SmtpTransport)
    assert (found.name, found.max_lanes) == ("second", 9)


def test_transport_set_to_outbox_wins_over_a_relay(tmp_path: Path) -> None:
    text = '[send]\ntransport = "outbox"\n[relays.main]\nhost = "b.example.org"\n'
    assert transport(open_instance(instance(tmp_path, text))).name == "outbox"


def test_transport_smtp_without_a_relay_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        transport(open_instance(instance(tmp_path, '[send]\ntransport = "smtp"\n')))
    assert "no relay has a host" in caught.value.message
    assert "balintmail.toml" in caught.value.hint


def test_transport_of_the_outbox_imports_no_smtp(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from balintmail.wiring import open_instance, transport;"
        f"transport(open_instance(Path({str(instance(tmp_path, ''))!r})));"
        "assert 'aiosmtplib' not in sys.modules and 'balintmail.sending.smtp' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
