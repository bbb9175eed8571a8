"""The Journal: journal issues, articles, stock and the yearly despatch"""

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables of this part."""
