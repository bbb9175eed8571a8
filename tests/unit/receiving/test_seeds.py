"""What fuzzing once found stays mended, and some hundred new wounds break nothing; `make fuzz` tries longer."""

import random
from pathlib import Path

import pytest

from tests.fuzz.damage import damaged
from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parents[2] / "corpus"
FOUND = {path.name: path for path in sorted((CORPUS / "seeds").glob("*.eml"))}
EXAMPLES = sorted((CORPUS / "returned").rglob("*.eml"))
WOUNDED = 40
SEED = 20261102


@pytest.mark.parametrize("name", FOUND)
def test_what_fuzzing_found_breaks_no_parser(name: str) -> None:
    raw = FOUND[name].read_bytes()
    for target in TARGETS.values():
        target(raw)


@pytest.mark.parametrize("target", TARGETS)
def test_damaged_mail_breaks_no_parser(target: str) -> None:
    chance = random.Random(SEED)
    seeds = [path.read_bytes() for path in chance.sample(EXAMPLES, 20)]
    for _ in range(WOUNDED):
        TARGETS[target](damaged(seeds, chance, 6000))
