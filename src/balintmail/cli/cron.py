"""`balintmail cron`: the lines that make this machine look every minute for what is due.

It prints and installs nothing. crontab(5) gives `%` a meaning of its own, systemd.service(5) gives one to `%`, `$`
and the backslash; a folder may hold any of them.
"""

import shlex
import sys
from pathlib import Path

import click

from balintmail.cli.command import App, Command, pass_app
from balintmail.errors import BalintmailError
from balintmail.wiring import find_instance


class NotForCron(BalintmailError):
    """A path that neither a crontab nor a unit file can hold."""

    code = "path"


@click.command(cls=Command)
@pass_app
def cron(app: App, /) -> None:
    """Print the crontab line and a systemd timer."""
    folder = find_instance(app.instance_start)
    if not str(folder).isprintable():
        raise NotForCron("The instance's folder has a control character in its name.", hint="Rename the folder.")
    words = [*program(), "-C", str(folder), "dispatch"]
    line, service, timer = crontab_line(words), service_unit(words), timer_unit()
    app.out.json({"crontab": line, "service": service, "timer": timer})
    app.out.line("# With cron: run crontab -e and add this line.")
    app.out.line(line)
    app.out.line()
    app.out.line("# Or with systemd: write these two files, then run")
    app.out.line("#   systemctl --user enable --now balintmail.timer   (and once: loginctl enable-linger)")
    app.out.line()
    app.out.line("# ~/.config/systemd/user/balintmail.service")
    app.out.line(service)
    app.out.line("# ~/.config/systemd/user/balintmail.timer")
    app.out.line(timer)


def program() -> list[str]:
    """Return the words that start this very balintmail from any folder."""
    script = Path(sys.prefix) / "bin" / "balintmail"
    return [str(script)] if script.is_file() else [sys.executable, "-m", "balintmail"]


def crontab_line(words: list[str]) -> str:
    """Return the line for every minute; what goes wrong is mailed by cron, the rest is not worth a mail."""
    return "* * * * * " + shlex.join(words).replace("%", "\\%") + " >/dev/null"


def service_unit(words: list[str]) -> str:
    """Return the unit that dispatches once."""
    return "\n".join(
        (
            "[Unit]",
            "Description=Send what is due (balintmail)",
            "",
            "[Service]",
            "Type=oneshot",
            f"ExecStart={' '.join(map(_unit_word, words))}",
            "UMask=0077",
            "",
        )
    )


def timer_unit() -> str:
    """Return the timer that starts the service every minute."""
    return "\n".join(
        (
            "[Unit]",
            "Description=Look every minute for what is due (balintmail)",
            "",
            "[Timer]",
            "OnCalendar=minutely",
            "AccuracySec=1s",
            "",
            "[Install]",
            "WantedBy=timers.target",
            "",
        )
    )


def _unit_word(word: str) -> str:
    """Return `word` quoted as systemd.service(5) "Command lines" asks."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if not word.replace("/", "").replace("-", "").replace(".", "").isalnum() else escaped
