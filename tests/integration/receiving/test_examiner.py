"""Uploads examined in a process of its own: the same verdicts, and no file takes the server along (D6-D10, G7)."""

import os
import signal

import pytest

from balintmail.receiving.examiner import Examiner
from balintmail.receiving.upload import DOCUMENTS, PAPERS, Kind, UploadRefused, Why, examine
from balintmail.services import papers
from tests.support import office

FILES = [
    ("paper.pdf", office.PDF),
    ("Bálint\ud800\n.docx", office.docx()),
    ("paper.odt", office.odt()),
    ("paper.pdf", office.docx()),
    ("paper.doc", b"\xd0\xcf\x11\xe0old"),
    ("figure.png", office.PNG),
    ("nothing.md", b""),
    ("words.md", b"# Words\n"),
]


def test_child_says_what_the_examination_says() -> None:
    def said(of: object, name: str, content: bytes) -> Kind | Why:
        try:
            return of(name, content, PAPERS)  # type: ignore[operator, no-any-return]
        except UploadRefused as refused:
            return refused.why

    with Examiner() as examiner:
        for name, content in FILES:
            assert said(examiner.examine, name, content) is said(examine, name, content), name
        assert examiner.examine("a.pdf", office.PDF, DOCUMENTS) is Kind.PDF


def test_file_over_which_the_child_takes_too_long_or_too_much_is_refused_and_the_next_is_looked_at() -> None:
    with Examiner() as examiner:
        assert examiner.examine(*FILES[0]) is Kind.PDF
        child = examiner._child
        assert child is not None
        os.kill(child.pid, signal.SIGSTOP)
        examiner._seconds = 0.2
        with pytest.raises(UploadRefused) as refused:
            examiner.examine(*FILES[0])
        assert refused.value.why is Why.BROKEN
        examiner._seconds = 20.0
        assert examiner.examine(*FILES[0]) is Kind.PDF
    with Examiner(memory=64 << 20) as small, pytest.raises(UploadRefused) as refused:
        small.examine("words.md", b"x" * (60 << 20))
    assert refused.value.why is Why.BROKEN


def test_papers_are_never_examined_in_the_serving_process() -> None:
    assert not hasattr(papers, "examine")
