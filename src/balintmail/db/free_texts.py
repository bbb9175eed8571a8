"""Where free texts lie in which people, or mail systems, may have written of somebody else (S45).

`TEXTS` lose a name and an address when its bearer is erased. `NAMED` keep a name and lose an address: who did something
in an office, which proves others' consent, and what was published, or handed in to be, under an author's name. A test
holds every column of the schema against them. It reads nothing; db/erasure.py does.
"""

from typing import Any

from balintmail.db import member_traces, order_traces
from balintmail.db.models import (
    Address,
    AuditEvent,
    CopyRequest,
    Delivery,
    Draft,
    InboundMessage,
    JoinRequest,
    MailedLink,
    Mailing,
    Notice,
    Person,
    RelayState,
    ReturnEvent,
    Subscription,
    Suppression,
)
from balintmail.db.models_archive import CopyTerms, Erratum, PastNewsletter
from balintmail.db.models_journal import Despatch, DespatchCopy, JournalArticle, JournalAuthor, JournalIssue, StockMove
from balintmail.db.models_members import Round
from balintmail.db.models_pages import (
    Document,
    DocumentVersion,
    Duty,
    DutyDate,
    PageVersion,
    Paper,
    PaperEvent,
    PaperFile,
    PaperReader,
)

Columns = tuple[tuple[Any, tuple[str, ...]], ...]

TEXTS: Columns = (
    (AuditEvent, ("detail",)),
    (Person, ("fields",)),
    (JoinRequest, ("words", "answers", "evidence", "reason", "note")),
    (Subscription, ("answers",)),
    (Notice, ("facts",)),
    (MailedLink, ("payload",)),
    (Suppression, ("note",)),
    (Mailing, ("state_reason",)),
    (Delivery, ("reply",)),
    (RelayState, ("reason",)),
    (InboundMessage, ("subject", "remark")),
    (ReturnEvent, ("evidence", "outcome")),
    (CopyRequest, ("wanted", "reason", "note")),
    (CopyTerms, ("post", "words")),
    (DespatchCopy, ("remark", "wrong")),
    (StockMove, ("note",)),
    (Paper, ("message", "reason", "note")),
    (PaperFile, ("file_name",)),
    (PaperReader, ("advice",)),
    (PaperEvent, ("remark",)),
    (Duty, ("title", "remark")),
    (DutyDate, ("remark",)),
    (PageVersion, ("source",)),
    (Document, ("remark",)),
    (DocumentVersion, ("label", "file_name")),
    (Erratum, ("words",)),
    (PastNewsletter, ("file_name",)),
    (Round, ("name",)),
    *member_traces.TEXTS,
    *order_traces.TEXTS,
)
NAMED: Columns = (
    (AuditEvent, ("actor",)),
    (JoinRequest, ("actor", "decided_by")),
    (Suppression, ("actor",)),
    (Mailing, ("title", "audience_filter", "released_by")),
    (Draft, ("source",)),
    (InboundMessage, ("sender", "message_id", "place", "closed_by")),
    (CopyRequest, ("decided_by",)),
    (Erratum, ("actor",)),
    (PastNewsletter, ("imported_by",)),
    (JournalIssue, ("title",)),
    (JournalArticle, ("title", "abstract")),
    (JournalAuthor, ("affiliation",)),
    (Despatch, ("frozen_by",)),
    (StockMove, ("actor",)),
    (Paper, ("title", "authors", "abstract", "decided_by")),
    (PaperEvent, ("actor",)),
    (PageVersion, ("actor",)),
    (Document, ("title",)),
    (DocumentVersion, ("actor",)),
    (DutyDate, ("done_by",)),
    (Address, ("handled_by",)),
    *member_traces.DOERS,
    *order_traces.DOERS,
)
