"""Fuzz every target for its share of the time: `python -m tests.fuzz [--seconds 600] [TARGET…]`.

With atheris, whose eyes for branches find more; without it, with the damage of damage.py. What breaks a promise, or
takes too long, is kept in tests/corpus/seeds, where test_seeds.py tries it for ever after; then the exit is 1.
"""

import argparse
import hashlib
import importlib.util
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.damage import TOKENS, damaged

CORPUS = Path(__file__).parents[1] / "corpus"
KEPT = CORPUS / "seeds"
LARGEST = 20_000  # octets of one try
SLOW = 5  # seconds for one try; the machine may be busy
MEMORY = 1500  # megabytes


def seeds() -> list[bytes]:
    """Return what to begin with: the written examples, and what was once found."""
    return [path.read_bytes() for folder in ("returned", "seeds") for path in sorted((CORPUS / folder).rglob("*.eml"))]


def main() -> int:
    """Fuzz the targets that are named, or all."""
    from tests.fuzz.targets import TARGETS

    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=600, help="for all of them together")
    parser.add_argument("--seed", type=int, default=None, help="for the damage without atheris")
    asked = parser.parse_args()
    names = asked.targets or list(TARGETS)
    if unknown := set(names) - set(TARGETS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    # A whole message holds all the others, so it gets as much as five of them.
    shares = {name: 5 if name == "read" else 1 for name in names}
    each = asked.seconds / sum(shares.values())
    with_eyes = importlib.util.find_spec("atheris") is not None
    print("fuzzing with atheris" if with_eyes else "fuzzing without atheris, which is not installed")
    worst = 0
    for name, share in shares.items():
        seconds = max(1, round(each * share))
        code = _with_atheris(name, seconds) if with_eyes else _by_damage(name, seconds, asked.seed)
        worst = max(worst, code)
        print(f"{name}: {'clean' if code == 0 else 'BROKEN, see tests/corpus/seeds'} after {seconds} s", flush=True)
    return worst


def _with_atheris(name: str, seconds: int) -> int:
    """Run one target under atheris in a process of its own, for it ends the process that it runs in."""
    with tempfile.TemporaryDirectory() as folder:
        start, words = Path(folder) / "seeds", Path(folder) / "words"
        start.mkdir()
        for number, raw in enumerate(seeds()):
            (start / f"{number:04}").write_bytes(raw[:LARGEST])
        words.write_text("".join(f'"{"".join(f"{chr(92)}x{octet:02x}" for octet in one[:60])}"\n' for one in TOKENS))
        options = [f"-max_total_time={seconds}", f"-max_len={LARGEST}", f"-timeout={SLOW}", f"-dict={words}"]
        options += [f"-rss_limit_mb={MEMORY}", "-verbosity=0", f"-artifact_prefix={folder}/", str(start)]
        done = subprocess.run(
            [sys.executable, "-m", "tests.fuzz.guided", name, *options], check=False, stderr=subprocess.PIPE, text=True
        )
        for found in sorted(Path(folder).glob("*-*")):  # crash-…, timeout-…, oom-…
            if found.is_file():
                keep(name, found.read_bytes())
        if done.returncode:
            print(done.stderr[-3000:])
    return 1 if done.returncode else 0


def _by_damage(name: str, seconds: int, seed: int | None) -> int:
    from tests.fuzz.targets import TARGETS

    seed = random.randrange(1 << 32) if seed is None else seed
    chance, begin = random.Random(seed), seeds()
    ends_at = time.monotonic() + seconds
    tries = 0
    while time.monotonic() < ends_at:
        raw = damaged(begin, chance, LARGEST)
        started = time.process_time()
        try:
            TARGETS[name](raw)
        except Exception as exc:  # whatever it is, it is what is looked for
            keep(name, raw)
            print(f"{name}: {type(exc).__name__}: {exc} (seed {seed}, try {tries})")
            return 1
        if time.process_time() - started > SLOW:
            keep(name, raw)
            print(f"{name}: a try took {time.process_time() - started:.1f} s (seed {seed}, try {tries})")
            return 1
        tries += 1
    print(f"{name}: {tries} tries, seed {seed}")
    return 0


def keep(name: str, raw: bytes) -> None:
    """Put what was found where the tests try it."""
    KEPT.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(raw).hexdigest()[:12]
    (KEPT / f"{name}-{digest}.eml").write_bytes(raw)


if __name__ == "__main__":
    sys.exit(main())
