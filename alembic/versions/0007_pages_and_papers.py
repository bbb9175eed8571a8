"""Pages, documents, papers and the yearly calendar"""

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables of this part."""
