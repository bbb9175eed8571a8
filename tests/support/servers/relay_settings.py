"""Settings with TLS and a login, as the Secretary writes them."""

from pathlib import Path

from tests.support.instance import Instance

USER, LOGIN = "balint", "open sesame"


def use(instance: Instance, port: int, security: str, *more: str, ca_file: Path | None = None) -> None:
    """Write the section of a relay."""
    lines = [f'security = "{security}"', 'host = "localhost"', f"port = {port}", *more]
    if ca_file is not None:
        lines.append(f'ca_file = "{ca_file}"')
    with (instance.folder / "balintmail.toml").open("a", encoding="utf-8") as file:
        file.write("\n[relays.main]\n" + "\n".join(lines) + "\n")


def password(instance: Instance, text: str) -> None:
    """Write the relay's password, in the place of an earlier one."""
    file = instance.folder / "secrets.toml"
    before = file.read_text("utf-8").partition("\n[relays.main]")[0]
    file.write_text(f'{before}\n[relays.main]\npassword = "{text}"\n', "utf-8")
