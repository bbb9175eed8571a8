"""What every use-case is given: the database, the clock, the keys, the settings, and who acts.

It is a value, made once per command by `wiring.py`; it does nothing.
"""

from dataclasses import dataclass
from pathlib import Path

from balintmail.clock import Clock
from balintmail.config import Settings
from balintmail.db.session import Database
from balintmail.domain.keys import Keyring


@dataclass(frozen=True, slots=True)
class Context:
    """The surroundings of one use-case. `actor` goes on record; `folder` is the instance's."""

    db: Database
    clock: Clock
    keyring: Keyring
    settings: Settings
    actor: str
    folder: Path
