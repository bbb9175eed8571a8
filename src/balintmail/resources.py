"""Find the two folders that lie beside the package: `templates/` and `alembic/`.

In a wheel they are inside the package under `_data/`, in a checkout they lie at the top of it. Nobody else may
know which of the two it is.
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _folder(name: str) -> Path:
    packed = _PACKAGE / "_data" / name
    return packed if packed.is_dir() else _PACKAGE.parents[1] / name


def templates_folder() -> Path:
    """Return the folder of the shipped templates (`emails/` lies in it)."""
    return _folder("templates")


def migrations_folder() -> Path:
    """Return alembic's script folder."""
    return _folder("alembic")
