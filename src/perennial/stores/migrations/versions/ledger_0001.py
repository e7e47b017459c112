"""The ledger as it began: tables, the append-only promotions, the views that analysts read."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the statements of the file beside this one, in the migration's own transaction."""
    statements = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    op.get_bind().connection.cursor().execute(statements)


def downgrade() -> None:
    """Refuse: a ledger is not taken back.

    Raises:
        NotImplementedError: Always. Restore a backup.
    """
    raise NotImplementedError
