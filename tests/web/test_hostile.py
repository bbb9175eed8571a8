"""Groups A, B and D of the bad inputs (standards.md 3.3) in every field of every form of the site.

The forms are found on the pages themselves, so that a new field is tried as soon as it is there.
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from balintmail.db.schema import Base
from balintmail.services.context import Context
from tests.conftest import MovableClock
from tests.support.pages import FILLING, FoundForm, Pages, forms, furnish

MARK = "zqx7"  # stands in every bad input that a page might show again
TEXTS = {
    "A1": f"{MARK}\r\nBcc: x@example.net", "A2": f"{MARK}\nx", "A3": f"{MARK}\rx", "A4": f"{MARK}\n x",
    "A5": f"{MARK}%0d%0aBcc: x", "A6": f"=?utf-8?q?{MARK}=0AX?=", "A7": f"=?utf-8?q?{MARK}=0D=0ABcc:_x@y?=",
    "A8": f"=?utf-8?q?{MARK}?=\r\n =?utf-8?q?x?=", "A9": f"{MARK}\x0bx", "A10": f"{MARK}\x0cx", "A11": f"{MARK}\x1cx",
    "A12": f"{MARK}\x85x", "A13": f"{MARK}\u2028x", "A14": f"{MARK}\u2029x", "A15": f"{MARK}\x00x",
    "A17": f"{MARK}\u202ex", "A18": f"{MARK}\u200d\u200cx", "A19": MARK * 2500, "A20": MARK + "x" * 998, "A21": "   ",
    "A22": f"From: {MARK}", "A23": "", "A24": f"=?{MARK}", "A25": "e\u0301😀" * 500, "A26": f"\ufeff{MARK}",
    "B1": f"{MARK}@example.org b@example.net", "B2": f"{MARK}@b,c@d", "B3": f"{MARK}@b>c", "B4": f"<{MARK}@b>",
    "B5": f"{MARK}@b\r\nRCPT TO:<x@y>", "B6": f"{MARK}@b\0.c", "B7": f'"{MARK} b"@c.d', "B8": f'"{MARK}@b"@c.d',
    "B9": f"{MARK}(b)@c.d", "B10": f"{MARK}@y.example)z@w.example", "B11": f"-oQ/tmp/{MARK}@x", "B12": "@c.d",
    "B13": "a@",
    "B14": f"{MARK}@b", "B15": f"{MARK}@[127.0.0.1]", "B16": f"{MARK}@localhost", "B17": f"{'a' * 65}@example.org",
    "B18": f"a@{'a.' * 125}example.org", "B19": f"{MARK}..b@c.d", "B20": f".{MARK}@c.d", "B21": f"{MARK}@example.org.",
    "B27": f"{MARK}%b@c", "B28": f"@x:{MARK}@b", "B29": f"x!{MARK}", "B30": f"  {MARK}@example.org  ",
    "B31": f"{MARK}＠example.org", "B61": f"{MARK}@példa.example.org", "B63": f"{MARK}@xn--a-ecp.example.org",
    "B64": f"ö{MARK}@example.org", "B66": f"{MARK}@😀.example.org", "B67": f"{MARK}@אבa.example.org",
    "D1": f"<script>{MARK}</script>", "D2": f'" onx="{MARK}', "D2'": f"' onx='{MARK}",
    "D3": f"</title></textarea>{MARK}<b>",
    "D4": f"{{{{1234*5678}}}}{MARK}", "D4%": f"{{% include '/etc/passwd' %}}{MARK}", "D4$": f"${{1234*5678}}{MARK}",
    "D5": f"javascript:alert('{MARK}')", "D9": f"../../etc/{MARK}", "F1": f"' OR 1=1--{MARK}",
    "F9": "-99999999999999999999",
}  # fmt: skip
ODD_BYTES = (b"%ff%fe", b"%ed%a0%80", b"%00", b"%", b"%zz", b"%c0%ae")  # A16 among them: half a surrogate pair
# What a database itself may choke on is tried on both; what a page may show needs only one.
BOTH = {"A15", "A17", "A19", "A25", "B6", "B18", "F1", "F9"}
ALONE = {"A1", "A13", "A15", "A19", "B5", "B18", "D1", "D2", "D3", "D4"}
TRIED = [(engine, name) for name in TEXTS for engine in ("sqlite", "postgresql") if engine == "sqlite" or name in BOTH]


@pytest.fixture
def pages(client: TestClient, context: Context) -> Pages:
    return furnish(context)


class _Markup(HTMLParser):
    """Gathers what only our own templates may write: tags and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.targets += [value or "" for name, value in attrs if name in {"href", "src", "action"}]


OUR_TAGS = frozenset(
    re.findall(
        r"\w+",
        "html head meta title link body a header div img nav ul ol li main footer h1 h2 h3 p form input label textarea "
        "select option optgroup fieldset legend button dl dt dd span strong em br table caption thead tbody tr th td "
        "small pre code details summary hr bdi "
        "article section blockquote sup "  # those of a newsletter in the archive
        "mark cite",  # what the search found, and titles of the reading list
    )
)


def assert_harmless(answer: object, where: str) -> None:
    """Assert that an answer is no fault of ours, and that nothing in it is the visitor's own markup."""
    status, text = answer.status_code, answer.text  # type: ignore[attr-defined]
    assert status < 500, where
    if "html" not in answer.headers["content-type"]:  # type: ignore[attr-defined]
        return
    read = _Markup()
    read.feed(text)
    assert read.tags <= OUR_TAGS, f"{where}: {read.tags - OUR_TAGS}"
    assert not {name for name in read.attributes if name.startswith("on")}, where
    assert not [one for one in read.targets if re.match(r"\s*(javascript|data|vbscript):", one, re.IGNORECASE)], where
    assert "7006652" not in text, where
    assert "root:" not in text, where
    assert "\x00" not in text, where


def posts(client: TestClient, pages: Pages) -> Iterator[tuple[str, FoundForm]]:
    """Yield every form of every page that posts, with the path that it posts to."""
    for path in (*pages.paths.values(), *pages.closed):
        for form in forms(client.get(path).text):
            if form.method == "POST":
                yield form.action or path, form


def test_every_post_route_is_reached_by_a_form_or_a_program(client: TestClient, pages: Pages) -> None:
    found = {path.partition("?")[0] for path, _ in posts(client, pages)}
    routes = [route for route in client.app.routes if "POST" in route.methods]  # type: ignore[attr-defined]
    missed = {route.path for route in routes if not any(route.path_regex.fullmatch(path) for path in found)}
    # The own page is closed by a button of another form; only what is released can be taken back.
    assert missed <= {"/manage/{secret}", "/release/{token}/back"}


@pytest.mark.parametrize(("database", "name"), TRIED, indirect=["database"])
def test_bad_input_in_every_field_of_every_form_is_harmless(
    client: TestClient, context: Context, pages: Pages, clock: MovableClock, name: str
) -> None:
    """Fill the whole form with the bad input; with the worst, each field alone too, so that the others pass."""
    found = list(posts(client, pages))
    clock.forward(FILLING)
    assert len(found) >= 10
    for path, form in found:
        typed = {field: TEXTS[name] for field in form.fields if field not in form.hidden}
        answer = client.post(path, data={**form.fields, **typed})
        assert_harmless(answer, f"{name} in {path}")
        for field in typed if len(typed) > 1 and name in ALONE else ():
            answer = client.post(path, data={**form.fields, field: TEXTS[name]})
            assert_harmless(answer, f"{name} in {field} of {path}")
    for path in pages.paths.values():
        assert_harmless(client.get(path), f"{path} after {name}")
    assert_clean(context, name)


def assert_clean(context: Context, name: str) -> None:
    """Assert that no header-breaking character has come into any text of the database (S50)."""
    with context.db.read() as tx:
        for table in Base.metadata.sorted_tables:
            for column in table.columns:
                if isinstance(column.type, sa.String) and not isinstance(column.type, sa.Enum):
                    for value in tx.scalars(sa.select(column).where(column.is_not(None))):
                        broken = re.search(r"[\x00\x0b\x0c\x0d\x1c-\x1f\x85\u2028\u2029]", str(value))
                        assert not broken, f"{name}: {table.name}.{column.name}"


@pytest.mark.parametrize("odd", ODD_BYTES)
def test_bytes_that_are_no_text_are_harmless_A16(
    client: TestClient, pages: Pages, clock: MovableClock, odd: bytes
) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    found = list(posts(client, pages))
    clock.forward(FILLING)
    for path, form in found:
        body = b"&".join(field.encode() + b"=" + odd for field in form.fields)
        assert_harmless(client.post(path, content=body, headers=kind), f"{odd!r} in {path}")


def test_doubled_fields_and_odd_names_are_harmless_D25(client: TestClient, pages: Pages, clock: MovableClock) -> None:
    found = list(posts(client, pages))
    clock.forward(FILLING)
    for path, form in found:
        twice = {field: [value, "x", value] for field, value in form.fields.items()}
        assert_harmless(client.post(path, data=twice), f"doubled in {path}")
        odd = {f"{field}[]": "x" for field in form.fields} | {"__proto__": "x", "": "x", "a" * 5000: "x", "é\n": "x"}
        assert_harmless(client.post(path, data=odd), f"odd names in {path}")
