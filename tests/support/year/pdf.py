"""Invented PDFs, made while the test runs: a Journal of so many pages, in which every page can be searched for."""

import io


def journal(title: str, pages: int, words: str = "") -> bytes:
    """Return a PDF of so many pages."""
    from reportlab.lib.pagesizes import A5
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A5, invariant=True)
    canvas.setTitle(title)
    for page in range(1, pages + 1):
        canvas.setFont("Times-Roman", 11)
        canvas.drawString(50, 540, f"{title}, page {page}")
        canvas.drawString(50, 520, words or "The group listens, and the doctor hears the patient anew.")
        canvas.drawString(50, 500, f"Of the listening of page {page} nobody speaks on any other.")
        canvas.showPage()
    canvas.save()
    return out.getvalue()
