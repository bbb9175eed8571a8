"""Values of which a dozen are made for each letter: frozen for the type checker, plain while running.

Making a frozen dataclass takes five times as long as making another, because each field goes round its own guard; here
the type checker is the guard. Nothing else differs: they are compared, hashed and replaced alike.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as hot
else:

    def hot(*, frozen, slots):  # noqa: ANN001, ANN201  (the type checker reads the line above)
        return dataclass(slots=slots, unsafe_hash=frozen)


__all__ = ["hot"]
