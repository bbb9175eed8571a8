"""Sending in a paper on the site, and the page of a reader: files by their content, limits, tricks (D6-D14, D25)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from starlette.testclient import TestClient

from balintmail.db.models import Notice
from balintmail.db.models_pages import Paper
from balintmail.services import paper_decisions
from balintmail.services.context import Context
from balintmail.web import gate
from balintmail.web.site import Site
from tests.conftest import MovableClock
from tests.support import office, society
from tests.support.pages import forms

FILES = (("paper.docx", office.docx()), ("figure.png", office.PNG))


def context_of(app: FastAPI) -> Context:
    found: Site = app.state.site
    return found.ctx


def send(
    client: TestClient, clock: MovableClock, files: Sequence[tuple[str, bytes]] = FILES, *, wait: int = 30, **more: str
) -> Any:
    """Open the form, take some time, and send it."""
    (found,) = [one for one in forms(client.get("/contribute/send").text) if one.method == "POST"]
    hidden = {name: found.fields[name] for name in found.hidden}
    given = {"title": "On listening twice", "name": "Jane Smith", "address": "jane@example.org", "agree": "yes"}
    clock.forward(timedelta(seconds=wait))
    parts = [("files", (name, content, "application/octet-stream")) for name, content in files]
    return client.post("/contribute/send", data={**hidden, **given, **more}, files=parts or [("files", ("", b""))])


def kept(app: FastAPI) -> int:
    with context_of(app).db.read() as tx:
        return tx.scalar(sa.select(sa.func.count()).select_from(Paper)) or 0


def test_paper_is_sent_in_and_the_page_tells_its_number(app: FastAPI, client: TestClient, clock: MovableClock) -> None:
    assert 'href="/contribute/send"' in client.get("/contribute").text
    page = send(client, clock)
    assert page.status_code == 200
    assert "<strong>2026-001</strong>" in page.text
    assert "jane@example.org" in page.text
    with context_of(app).db.read() as tx:
        assert set(tx.scalars(sa.select(Notice.template))) == {"paper_received", "paper_news"}


def test_same_answer_whether_or_not_the_address_is_known(app: FastAPI, client: TestClient, clock: MovableClock) -> None:
    ctx = context_of(app)
    with ctx.db.write() as tx:
        society.enter(ctx, tx, "Known", "known@example.org")
    first = send(client, clock, address="known@example.org").text
    second = send(client, clock, address="other@example.org").text
    assert first.replace("known@", "").replace("2026-001", "") == second.replace("other@", "").replace("2026-002", "")


def test_what_is_wrong_is_told_twice_and_what_was_typed_stays(
    app: FastAPI, client: TestClient, clock: MovableClock
) -> None:
    page = send(
        client, clock, (("a.docx", office.docx(word__vbaProject_bin="x")),), address="jane", abstract="Kept <b>"
    )
    assert page.status_code == 422
    assert page.text.count("a.docx holds macros or a program") == 2
    assert page.text.count("Enter an email address such as") == 2
    assert "Kept &lt;b&gt;" in page.text
    assert kept(app) == 0


def test_error_elsewhere_asks_for_the_files_again(client: TestClient, clock: MovableClock) -> None:
    page = send(client, clock, title="")
    assert page.text.count("Choose the files again") == 2


@pytest.mark.parametrize(
    "file",
    [
        ("paper.svg", b"<svg onload='x'/>"), ("paper.pdf", b"<html>"), ("paper.docx", office.docx()[:-40]), ("", b"x"),
        ("../../../etc/passwd", b"x"), ("a" * 500, b"x"), ("CON", b"x"), ("paper.png", office.PNG), ("empty.pdf", b""),
    ],
)  # fmt: skip
def test_file_that_is_no_paper_is_refused_and_nothing_kept_D6_D10(
    app: FastAPI, client: TestClient, clock: MovableClock, file: tuple[str, bytes]
) -> None:
    assert send(client, clock, (file,)).status_code == 422
    assert kept(app) == 0
    assert not any(path.is_file() for path in (context_of(app).folder / "files").rglob("*"))


def test_programs_are_told_to_look_it_over(app: FastAPI, client: TestClient, clock: MovableClock) -> None:
    assert "Look it over" in send(client, clock, wait=0).text
    assert "Look it over" in send(client, clock, website="x").text
    assert "Look it over" in send(client, clock, stamp="x").text
    assert "Look it over" in client.post("/contribute/send", data={"title": "x"}).text
    assert kept(app) == 0


def test_body_over_the_limit_is_refused_before_it_is_read_D11(client: TestClient) -> None:
    too_much = {"content-length": str(gate.LARGEST_UPLOAD + 1), "content-type": "multipart/form-data; boundary=x"}
    assert client.post("/contribute/send", content=b"x", headers=too_much).status_code == 413
    assert client.post("/join/newsletter", content=b"x" * 70_000).status_code == 413  # as ever


def test_only_so_many_send_files_at_a_time(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "MOST_UPLOADS", 0)
    assert client.post("/contribute/send", data={"title": "x"}).status_code == 503
    assert client.get("/contribute/send").status_code == 200


def reading(app: FastAPI) -> str:
    """Let somebody be asked to read the paper; return the path of their link."""
    ctx = context_of(app)
    with ctx.db.write() as tx:
        society.enter(ctx, tx, "Rob Reader", "reader@example.org")
    return "/papers/" + paper_decisions.reader_token(ctx, paper_decisions.assign(ctx, "2026-001", "reader@example.org"))


def test_reader_takes_the_files_away_and_gives_advice(app: FastAPI, client: TestClient, clock: MovableClock) -> None:
    send(client, clock, abstract="What it <i>says</i>.")
    path = reading(app)
    page = client.get(path)
    assert page.status_code == 200
    assert "What it &lt;i&gt;says&lt;/i&gt;." in page.text
    assert "jane@example.org" not in page.text  # who wrote it is the editor's to know
    assert "Jane Smith" not in page.text
    file = client.get(f"{path}/files/1")
    assert file.content == FILES[0][1]
    assert file.headers["content-disposition"] == "attachment; filename*=UTF-8''paper.docx"
    assert "no-store" in file.headers["cache-control"]
    assert client.post(path, data={"advice": " "}).status_code == 422
    done = client.post(path, data={"advice": "Print it."})
    assert (done.status_code, "Your advice has arrived" in done.text) == (200, True)
    assert "Print it." in client.get(path).text


@pytest.mark.parametrize("below", ["/files/3", "/files/0", "/files/-1", "/files/x", "/files/1x", "/files/%2e%2e"])
def test_file_that_is_not_there_is_not_found(app: FastAPI, client: TestClient, clock: MovableClock, below: str) -> None:
    send(client, clock)
    assert client.get(reading(app) + below).status_code == 404


def test_link_that_is_over_or_none_opens_nothing_C1_C3(app: FastAPI, client: TestClient, clock: MovableClock) -> None:
    send(client, clock)
    path = reading(app)
    for other in (path[:-1], path + "a", "/papers/abc", "/papers/" + "a" * 300):
        assert client.get(other).status_code == 410
        assert client.get(other + "/files/1").status_code == 410
        assert client.post(other, data={"advice": "x"}).status_code == 410
    from balintmail.domain.papers import PaperState
    from balintmail.services.paper_decisions import Verdict

    paper_decisions.decide(context_of(app), "2026-001", Verdict(PaperState.DECLINED))
    assert client.get(path).status_code == 410
