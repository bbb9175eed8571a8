"""Invoices, receipts and credit notes: numbered without a gap within their year, set as PDF, never altered afterwards.

The number is taken, the PDF kept and the row written in the transaction of the step that gives rise to it: when that
fails there is no number either. What was issued is read from its file, whose hash the row holds; nothing is set anew.
The setting is composing/invoice.py; the words are the site's (templates/web/words/LANGUAGE/invoice.toml).
"""

from pathlib import Path
from typing import TYPE_CHECKING

from balintmail.catalogue import Catalogue
from balintmail.composing.invoice import Paper, Row, set_paper
from balintmail.db import orders
from balintmail.db.orders import DocumentRow
from balintmail.db.session import Tx
from balintmail.domain.money import Money
from balintmail.domain.orders import DocumentKind, label
from balintmail.errors import NotFound
from balintmail.resources import templates_folder
from balintmail.services import files, postal
from balintmail.services.context import Context

if TYPE_CHECKING:
    from balintmail.services.order_shown import Shown

PRO_FORMA = "pro_forma"
_WORDS = ("web", "words")


def issue(ctx: Context, tx: Tx, of: "Shown", kind: DocumentKind, amount: int) -> DocumentRow:
    """Issue a document of today for an order, over `amount` pence; return it."""
    day = ctx.clock.now().astimezone(ctx.settings.zone).date()
    number = orders.next_number(tx, kind, day.year)
    name = label(kind, day.year, number)
    stored = files.store(ctx, set_paper(_paper(ctx, of, kind.value, amount, name)))
    values = {"kind": kind, "year": day.year, "number": number, "order_id": of.order.id, "issued_on": day}
    more = {"amount": amount, "currency": of.order.currency, "file": stored.digest, "digest": stored.digest}
    added = orders.add_document(tx, {**values, **more})
    return next(one for one in orders.documents(tx, [of.order.id])[of.order.id] if one.id == added)


def pro_forma(ctx: Context, of: "Shown") -> bytes:
    """Return what an order will cost as PDF; it has no number and is kept nowhere."""
    return set_paper(_paper(ctx, of, PRO_FORMA, of.order.total, of.reference))


def file_of(ctx: Context, document: DocumentRow) -> Path:
    """Return where the PDF of a document lies, as it was issued; raise NotFound once the years are over."""
    if document.file is None:
        name = label(document.kind, document.year, document.number)
        raise NotFound(f"The file of {name} is gone: the years are over in which accounts are kept.")
    return files.path(ctx, document.file)


def _paper(ctx: Context, of: "Shown", kind: str, amount: int, name: str) -> Paper:
    order, words = of.order, _words(ctx, of.order.language)
    today = ctx.clock.now().astimezone(ctx.settings.zone).date()
    society = ctx.settings.society

    def money(pence: int) -> str:
        return words.money(Money(pence, order.currency))

    facts = [(words.say("invoice.number"), name), (words.say("invoice.date"), words.day(today))]
    if kind == PRO_FORMA:
        facts = [(words.say("invoice.date"), words.day(order.created_at.astimezone(ctx.settings.zone).date()))]
    facts.append((words.say("invoice.reference"), of.reference))
    if kind in {DocumentKind.RECEIPT, DocumentKind.CREDIT_NOTE} and of.invoice is not None:
        invoice = of.invoice
        facts.append((words.say("invoice.for_invoice"), label(invoice.kind, invoice.year, invoice.number)))
    rows = [
        Row(
            words.say("invoice.copy", journal=ctx.settings.journal.name, label=line.label),
            words.number(line.copies),
            money(line.price),
            money(line.copies * line.price),
        )
        for line in of.lines
    ]
    if order.postage:
        rows.append(Row(words.say("invoice.postage"), "", "", money(order.postage)))
    head = Row(*(words.say(f"invoice.{key}") for key in ("what", "copies", "each", "together")))
    if kind in {DocumentKind.RECEIPT, DocumentKind.CREDIT_NOTE}:
        text = words.say(f"invoice.for_{kind}", reference=of.reference)
        head, rows = Row(head.what, "", "", head.together), [Row(text, "", "", money(amount))]
    return Paper(
        title=words.say(f"invoice.title_{kind}"),
        seller=(society.name, *_lines(society.address)),
        buyer=_buyer(ctx, of, words),
        facts=tuple(facts),
        head=head,
        rows=tuple(rows),
        total=(words.say(f"invoice.total_{kind}"), money(amount)),
        paragraphs=_paragraphs(ctx, of, kind, words),
        foot=_lines(ctx.settings.orders.note),
        instead=words.say("invoice.instead", script="{script}", reference=of.reference),
        language=words.language,
    )


def _buyer(ctx: Context, of: "Shown", words: Catalogue) -> tuple[str, ...]:
    post = {name: str(value) for name, value in of.order.post.items()}
    lines = postal.lines(post, of.order.name)
    country = post.get("country_code", "")
    if country and country != ctx.settings.journal.posted_in:
        lines.append(words.countries().get(country, country))
    return tuple(lines)


def _paragraphs(ctx: Context, of: "Shown", kind: str, words: Catalogue) -> tuple[str, ...]:
    if kind == DocumentKind.RECEIPT:
        last = of.payments[-1]
        return (words.say("invoice.received", day=words.day(last.paid_on)),)
    if kind == DocumentKind.CREDIT_NOTE:
        return (words.say("invoice.credited"),)
    if of.received >= of.order.total:
        return (words.say("invoice.is_paid"),)
    pay_by = words.say("invoice.pay_by", day=words.day(of.order.pay_until), reference=of.reference)
    account = "\n".join(_lines(ctx.settings.orders.pay))
    return (pay_by, account) if account else (pay_by,)


def _words(ctx: Context, language: str) -> Catalogue:
    return Catalogue([folder.joinpath(*_WORDS) for folder in (ctx.folder / "templates", templates_folder())], language)


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.split("\n") if line.strip())
