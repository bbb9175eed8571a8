"""The archive: search, errata and newsletters of earlier years"""

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables of this part."""
