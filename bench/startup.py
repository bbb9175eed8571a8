"""Measure how long a command takes before it does anything: whole processes, medians, side by side.

The yardstick is `python -c 'import click'`: help may cost 1.5 times that. Runs take turns, so that a busy machine
slows both alike. Run by `make bench-startup`.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 21
LIMIT = 1.5  # times the yardstick, for --help
YARDSTICK = [sys.executable, "-c", "import click"]
HELP = [str(Path(sys.executable).with_name("balintmail")), "--help"]


def main() -> int:
    """Print the medians and the list of what is imported; return 1 when help is too slow."""
    with tempfile.TemporaryDirectory() as folder:
        society = ["--yes", "--society", "S", "--secretary-name", "N", "--secretary-address", "s@example.org"]
        subprocess.run([HELP[0], "init", folder, *society], check=True, stdout=subprocess.DEVNULL)
        subscribe = [HELP[0], "-C", folder, "subscribe", "reader@example.org"]
        commands = {"import click": YARDSTICK, "balintmail --help": HELP, "balintmail subscribe": subscribe}
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, command in commands.items():
                begun = time.perf_counter()
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                seconds[name].append(time.perf_counter() - begun)
        parts = {name: outside_parts(command[1:]) for name, command in commands.items() if command is not YARDSTICK}
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    yardstick = medians["import click"]
    print(f"start-up, whole processes, median of {ROUNDS}")
    for name, median in medians.items():
        print(f"  {name:22} {median * 1000:6.0f} ms   {median / yardstick:4.2f} times import click")
    ratio = medians["balintmail --help"] / yardstick
    print(f"  help is {'within' if ratio <= LIMIT else 'OVER'} its limit of {LIMIT} times")
    for name, found in parts.items():
        print(f"imported by {name}: {', '.join(sorted(found))}")
    return 0 if ratio <= LIMIT else 1


def outside_parts(args: list[str]) -> set[str]:
    """Return the top-level packages outside the standard library that a command line imports."""
    code = (
        "import sys\n"
        "from balintmail.cli.main import run\n"
        "import io, contextlib\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):\n"
        f"    run({args!r})\n"
        "names = {name.partition('.')[0] for name in sys.modules}\n"
        "print(*sorted(names - sys.stdlib_module_names - {'__main__', 'sitecustomize'}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return {name for name in done.stdout.split() if not name.startswith("_")}


if __name__ == "__main__":
    sys.exit(main())
