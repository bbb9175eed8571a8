"""Every table there is, for whoever needs all of them: migrations and tests.

`models.py` holds the spine that each command needs; the tables of one part lie in `models_PART.py` and are loaded only
by the queries of that part, so that no command pays for what it does not use.
"""

from balintmail.db import models_archive, models_journal, models_members, models_orders, models_pages
from balintmail.db.models import Base

# What the search on one database alone has: SQLite's FTS5 with its tables and triggers, PostgreSQL's GIN.
OF_ONE_DATABASE = "search_words"

__all__ = [
    "OF_ONE_DATABASE",
    "Base",
    "models_archive",
    "models_journal",
    "models_members",
    "models_orders",
    "models_pages",
]
