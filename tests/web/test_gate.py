"""The gate: what it lets in, what it denies, and how it says so."""

import pytest
from starlette.testclient import TestClient


@pytest.mark.parametrize("path", ["/nothing", "/leave", "/healthz/", "/HEALTHZ", "/;x", "/%2e%2e/etc/passwd"])
def test_unknown_paths_are_denied_D18(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "There is no such page" in answer.text


def test_head_is_a_get_without_its_body_C14(client: TestClient) -> None:
    answer = client.head("/")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == client.get("/").headers["content-type"]


def test_options_says_what_is_allowed_C15(client: TestClient) -> None:
    answer = client.options("/")
    assert (answer.status_code, answer.headers["allow"], answer.content) == (204, "GET, HEAD, OPTIONS", b"")


def test_large_body_is_refused_before_it_is_read_D11(client: TestClient) -> None:
    assert client.post("/healthz", content=b"x" * 100_000).status_code in {405, 413}
