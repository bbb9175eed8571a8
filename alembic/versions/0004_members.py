"""Members: classes, periods, dues and the yearly round of details"""

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables of this part."""
