"""`kill -9` at random times: nothing is lost, nothing is doubled, the doubts are few and named (D3, I1–I7).

Twenty seeded rounds in `make test`, a thousand in `make torture`; the seed stands in the test's name. Each round kills
a sender twice or three times and lets another one go on.
"""

import random
import time

import pytest

from tests.faults.conftest import AT_FULL_SIZE
from tests.relay import Fault, Manners, RelayThread, Step
from tests.support.nursery import Nursery
from tests.support.scene import Scene

ROUNDS = 1000 if AT_FULL_SIZE else 20
ON_POSTGRESQL = 100 if AT_FULL_SIZE else 4
LONGEST = 0.35  # seconds; about what a whole run takes here


def play(scene: Scene, nursery: Nursery, seed: int) -> None:
    """Kill, look, go on; at the end everybody has their letter."""
    chance = random.Random(seed)
    lanes = 1 if seed % 2 else 4
    slow = Fault(Step.DOT, delay=chance.choice([0.001, 0.004, 0.01]))
    busy = Fault(Step.RCPT, b"451 4.3.0 later\r\n", match="reader7@", times=chance.randrange(3))
    gone = Fault(Step.RCPT, b"550 5.1.1 no such user\r\n", match="reader13@") if chance.random() < 0.5 else busy
    with RelayThread(Manners(pipelining=chance.random() < 0.7), gone, busy, slow, log=scene.log) as relay:
        for _ in range(chance.choice([2, 2, 3])):
            child = nursery.start(scene.send(relay.port, lanes=lanes))
            time.sleep(0.01 + chance.random() ** 1.5 * LONGEST)
            child.kill()
            scene.crashed(lanes)
        relay.behave()
        scene.forget_the_lease()
        scene.run_here(relay.port, lanes, only=scene.mailing, retry=True)
        scene.finish(relay, lanes=lanes)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_kill_at_random_times_loses_and_doubles_nobody_D3(lite: Scene, nursery: Nursery, seed: int) -> None:
    play(lite, nursery, seed)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("seed", range(ON_POSTGRESQL))
def test_kill_at_random_times_on_postgresql_loses_and_doubles_nobody_D3(
    scene: Scene, nursery: Nursery, seed: int
) -> None:
    play(scene, nursery, seed)
