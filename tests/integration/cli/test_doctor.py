"""`balintmail doctor` as the Secretary's helper types it: the page, the document, the exit status."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.relay import Authority, Manners, RelayThread
from tests.support.command import call, founded
from tests.support.dns import Server

OURS = "balint.example.org"
RELAY = '\n[relays.main]\nhost = "localhost"\nport = {}\nsecurity = "starttls"\nca_file = "{}"\n'


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    founded(tmp_path / "i")
    return tmp_path / "i"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as found:
        found.put(OURS, "v=spf1 ip4:192.0.2.1 -all")
        found.put(f"_dmarc.{OURS}", f"v=DMARC1; p=none; rua=mailto:reports@{OURS}")
        found.add(OURS, "MX", f"10 mx.{OURS}.")
        yield found


def document(instance: Path, server: Server, status: int) -> dict[str, dict[str, Any]]:
    done = call("-C", instance, "--json", "doctor", "--nameserver", f"127.0.0.1:{server.port}")
    assert done.status == status, done.said
    assert done.json["ok"] is (status == 0)
    for one in done.json["findings"]:
        assert list(one) == ["code", "level", "duty", "subject", "message", "hint"]
        assert one["level"] in {"good", "note", "warn", "stop"}
        assert one["duty"] in {"you", "relay", "provider"}
        assert not re.search(r"\w@\w", one["message"] + one["hint"])
    return {one["code"]: one for one in done.json["findings"]}


def test_fresh_instance_has_no_stop(instance: Path, server: Server) -> None:
    found = document(instance, server, 0)
    assert found["spf_record"]["level"] == "good"
    assert found["cron"]["level"] == "warn"
    assert found["relay_none"]["level"] == "note"
    assert call("-C", instance, "dispatch").status == 0
    assert document(instance, server, 0)["cron"]["level"] == "good"
    assert call("-C", instance, "backup", instance.parent / "b.zip").status == 0
    assert document(instance, server, 0)["backup"]["level"] == "good"


def test_page_is_aligned_and_ends_with_a_sum(instance: Path, server: Server) -> None:
    server.put(OURS, "v=spf1 +all")
    (instance / "balintmail.toml").write_text(
        (instance / "balintmail.toml").read_text("utf-8") + '\n[relays.main]\nhost = "127.0.0.1"\nport = 1\n', "utf-8"
    )
    done = call("-C", instance, "doctor", "--nameserver", f"127.0.0.1:{server.port}")
    assert done.status == 1
    lines = done.out.splitlines()
    assert lines[0].startswith("The Example Balint Society, looked over on ")
    assert "  stop  you       The SPF record of balint.example.org lets anybody send for you." in lines
    assert all(line == line.rstrip() and len(line) <= 120 for line in lines)
    assert " stops, " in lines[-1]
    names = lines.index("The sender's names")
    assert lines[names + 1].startswith("  stop")  # the worst first


def test_relay_over_tls_is_called_and_gets_no_letter(instance: Path, server: Server, tmp_path: Path) -> None:
    authority = Authority()
    ca_file = authority.write(tmp_path / "ca.pem")
    with RelayThread(Manners(starttls=authority.context(), size=50_000_000)) as relay:
        settings = instance / "balintmail.toml"
        settings.write_text(settings.read_text("utf-8") + RELAY.format(relay.port, ca_file), "utf-8")
        found = document(instance, server, 0)
        assert found["relay_tls"]["level"] == "good"
        assert found["relay_certificate"]["duty"] == "relay"
        assert not any(line.startswith("MAIL") for line in relay.commands)
        settings.write_text(settings.read_text("utf-8").replace(str(ca_file), ""), "utf-8")
        found = document(instance, server, 1)
        assert found["relay"]["level"] == "stop"
        assert "certificate" in found["relay"]["message"]


def test_instance_that_cannot_be_opened_is_a_finding_J9(instance: Path, server: Server) -> None:
    (instance / "secrets.toml").chmod(0o644)
    found = document(instance, server, 1)
    assert list(found) == ["settings"]
    assert "chmod 600" in found["settings"]["hint"]
    (instance / "secrets.toml").chmod(0o600)
    (instance / "balintmail.db").unlink()
    assert list(document(instance, server, 1)) == ["schema"]
    (instance / "balintmail.db").write_bytes(b"no database at all" * 100)
    (instance / "balintmail.db").chmod(0o600)
    assert list(document(instance, server, 1)) == ["system"]


def test_no_instance_and_no_name_server_are_refused(instance: Path, tmp_path: Path) -> None:
    assert call("-C", instance, "doctor", "--nameserver", "ns.example.org").status == 2
    (tmp_path / "empty").mkdir()
    done = call("-C", tmp_path / "empty", "--json", "doctor")
    assert (done.status, done.json["error"]["code"]) == (1, "not_found")
