"""The public address of the site can stand in a header as it is, whatever its host is called."""

import pytest

from balintmail.domain.public_address import read


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ""),
        ("  https://balint.example.org/ ", "https://balint.example.org"),
        ("https://Balint.Example.org/", "https://balint.example.org"),
        ("https://példa.example.org", "https://xn--plda-bpa.example.org"),
        ("https://balint.example.org/hírek/", "https://balint.example.org/h%C3%ADrek"),
        ("https://balint.example.org/a,b", "https://balint.example.org/a%2Cb"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://127.0.0.1:8000/news/", "http://127.0.0.1:8000/news"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_address_is_read_in_ascii_S1_S25(text: str, found: str) -> None:
    assert read(text) == found
    assert found.isascii()
    assert read(found) == found


@pytest.mark.parametrize(
    "text",
    [
        "balint.example.org",
        "ftp://balint.example.org",
        "javascript:alert(1)",
        "https://",
        "https://ba>lint.example.org",
        'https://"x".example.org',
        "https://a,b.example.org",
        "https://ba lint.example.org",
        "https://anna@example.org",
        "https://balint.example.org:99999",
        "https://balint.example.org:0",
        "https://balint.example.org?x=1",
        "https://balint.example.org#top",
        "https://balint.example.org\r\nBcc: x@example.net",
        "https://-balint.example.org",
        'https://balint.example.org/"',
        "https://balint.example.org/<a>",
        "https://balint.example.org/a\\b",
        "https://balint.example.org/" + "a" * 300,
        "https://balint.example.org/\u202e",
        "https://\udcff.example.org",
    ],
)
def test_what_is_no_address_of_a_site_is_refused_A1_D5(text: str) -> None:
    with pytest.raises(ValueError, match="public address"):
        read(text)
