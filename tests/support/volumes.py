"""A few years of an invented Journal: published, under embargo, two of one year, in several languages and scripts."""

import io
from pathlib import Path

from reportlab.pdfgen import canvas

from balintmail.services import journal_articles, journal_issues
from balintmail.services.context import Context
from balintmail.services.journal_articles import ArticleChanges
from balintmail.services.journal_issues import IssueChanges

COVER = Path(__file__).parents[2] / "examples" / "pictures" / "nine-chairs.png"


def pdf(*pages: str) -> bytes:
    """Return a PDF with a line of words on each page; "" is a page without any."""
    kept = io.BytesIO()
    made = canvas.Canvas(kept, invariant=1)
    for words in pages:
        made.drawString(72, 700, words)
        made.showPage()
    made.save()
    return kept.getvalue()


CLOSED = "/journal/2024-2/six-minutes"  # until 2027


def publish(ctx: Context) -> None:
    """Add the Journal of 2020 (open), two of 2024, the later one closed until 2027, and one in the making."""
    paper, whole = (ctx.folder / name for name in ("paper.pdf", "whole.pdf"))
    paper.write_bytes(pdf("The doctor is a drug, said the groups of 1957, and asked for its dosage."))
    whole.write_bytes(pdf("The whole volume."))
    journal_issues.add(
        ctx,
        "2020",
        IssueChanges(volume="47", published="2020-09-15", pdf=whole, cover=COVER, number="1", issn="0141-8033"),
    )
    journal_issues.add(ctx, "2024", IssueChanges(volume="51", published="2024-03-15", number="1", issn="0141-8033"))
    journal_issues.add(
        ctx, "2024-2", IssueChanges(volume="51", number="2", published="2024-09-15", embargo="2027-01-01", pdf=whole)
    )
    journal_issues.add(ctx, "2025", IssueChanges(volume="52"))
    journal_articles.add(ctx, "2020", ArticleChanges(
        title='The Doctor & "the" <Drug>', authors=("Michael Balint", "Enid Balint"), pages="3-12",
        doi="10.1234/jbs.2020.1", abstract="What is prescribed.\n\nAnd in what dose.", pdf=paper,
    ))  # fmt: skip
    journal_articles.add(
        ctx, "2020", ArticleChanges(title="Ősz a csoportban", authors=("Bálint Ágnes",), language="hu")
    )
    journal_articles.add(ctx, "2020", ArticleChanges(title="团体", authors=("李 明",), language="zh", pages="13-19"))
    journal_articles.add(ctx, "2024", ArticleChanges(title="A Flash of Insight", authors=("Enid Balint",)))
    journal_articles.add(ctx, "2024-2", ArticleChanges(
        title="Six Minutes", authors=("Jane de Souza",), abstract="Closed for a while.", pdf=paper, kind="article",
    ))  # fmt: skip
    journal_articles.add(ctx, "2025", ArticleChanges(title="Not yet out", authors=("Zoë Early",), pdf=paper))
