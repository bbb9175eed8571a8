"""Every public use-case and every command that can lead to `subscribed` is known, and none does without consent (D6).

The ways are found in the source, by following every name from function to function; whoever adds one finds this test
failing until it is driven here as well.
"""

import ast
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

import balintmail
from balintmail.db.models import ConsentEvent
from balintmail.db.session import Database
from balintmail.domain.address import parse
from balintmail.domain.imports import FileState, GivenAddress, ImportRow
from balintmail.errors import UsageRefused
from balintmail.services import subscriptions
from balintmail.services.consent import verify
from balintmail.services.context import Context
from balintmail.services.importing import Terms, staged
from balintmail.services.merging import merge
from balintmail.services.subscriptions import Joining, Leaving
from tests.support import reference, society
from tests.support.command import SOCIETY, call

SOURCE = Path(balintmail.__file__).parent
Name = tuple[str, str]  # module below balintmail, function or class

# The only functions that can leave a row of `subscriptions` subscribed.
WRITERS: set[Name] = {
    ("db.subscriptions", "begin"),
    ("db.subscriptions", "resume"),
    ("db.subscriptions", "take_over"),
    ("db.import_writing", "write"),
}
QUIET = {"end", "pause", "quieten"}  # they write the table and never subscribe


def _graph() -> dict[Name, set[Name]]:
    """Return for each function and class below balintmail what it names."""
    found: dict[Name, set[Name]] = {}
    for path in SOURCE.rglob("*.py"):
        module = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        tree = ast.parse(path.read_text("utf-8"))
        known = _imports(tree)
        own = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]
        known |= {node.name: (module, node.name) for node in own}
        for node in own:
            found[module, node.name] = _named(node, known)
    return found


def _imports(tree: ast.AST) -> dict[str, Name]:
    """Return what the module's imports, those inside functions too, call what; a module has no second part."""
    known: dict[str, Name] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("balintmail"):
            below = (node.module or "").removeprefix("balintmail").removeprefix(".")
            for alias in node.names:
                whole = f"{below}.{alias.name}".removeprefix(".")
                is_module = (SOURCE / Path(*whole.split("."))).with_suffix(".py").is_file()
                known[alias.asname or alias.name] = (whole, "") if is_module else (below, alias.name)
    return known


def _named(node: ast.AST, known: dict[str, Name]) -> set[Name]:
    found: set[Name] = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name):
            module, name = known.get(inner.value.id, ("", "?"))
            if name == "":
                found.add((module, inner.attr))
        if isinstance(inner, ast.Name) and inner.id in known:
            found.add(known[inner.id])
    return found


def _leading(targets: set[Name]) -> set[Name]:
    """Return everything from which one of `targets` can be reached."""
    graph, reached = _graph(), set(targets)
    while more := {name for name, named in graph.items() if name not in reached and named & reached}:
        reached |= more
    return reached


def test_only_the_known_writers_touch_the_table_D6() -> None:
    writing = set()
    for path in SOURCE.rglob("*.py"):
        module = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        for node in ast.parse(path.read_text("utf-8")).body:
            text = ast.unparse(node)
            if isinstance(node, ast.FunctionDef) and ("update(Subscription)" in text or "insert(Subscription)" in text):
                writing.add((module, node.name))
    known = {name for name in WRITERS if name[0] == "db.subscriptions"}
    assert writing == known | {("db.subscriptions", name) for name in QUIET}


def _row(text: str, consent: str) -> ImportRow:
    return ImportRow(
        line=2, shown=text, addresses=(GivenAddress(parse(text)),), state=FileState.SUBSCRIBED, consent=consent,
        collected=date(2025, 3, 21) if consent else None,
    )  # fmt: skip


def _import(ctx: Context) -> None:
    with staged(ctx, [_row("silent@example.org", "")], Terms("p.csv")) as one, pytest.raises(UsageRefused):
        one.write()
    with staged(ctx, [_row("said@example.org", "I want it")], Terms("p.csv", consent_in_file=True)) as one:
        assert one.write().counts.new == 1


def _resume(ctx: Context) -> None:
    person = subscriptions.subscribe(ctx, ["p@example.org"], Joining())[0].person or 0
    stranger = subscriptions.subscribe(ctx, ["left@example.org"], Joining())[0].person or 0
    subscriptions.unsubscribe(ctx, ["left@example.org"], Leaving())
    assert subscriptions.pause(ctx, person, "", None)
    assert subscriptions.resume(ctx, person, "")
    assert not subscriptions.resume(ctx, stranger, "")  # whoever left is not brought back by it


def _merge(ctx: Context) -> None:
    with ctx.db.write() as tx:
        keep = society.enter(ctx, tx, "Never Asked", "never@example.org")
    other = subscriptions.subscribe(ctx, ["asked@example.org"], Joining())[0].person or 0
    merge(ctx, keep, other)


USE_CASES: dict[Name, Callable[[Context], object]] = {
    ("services.subscriptions", "subscribe"): lambda ctx: subscriptions.subscribe(ctx, ["a@example.org"], Joining()),
    ("services.subscriptions", "resume"): _resume,
    ("services.merging", "merge"): _merge,
    ("services.importing", "staged"): _import,
    ("services.importing", "Import"): _import,
}


def test_every_use_case_that_leads_to_subscribed_is_driven_here_D6() -> None:
    found = {name for name in _leading(WRITERS) if name[0].startswith("services.") and not name[1].startswith("_")}
    assert found == USE_CASES.keys()


@pytest.mark.parametrize("name", USE_CASES, ids=".".join)
def test_use_case_subscribes_nobody_without_a_consent_event_D6(context: Context, name: Name) -> None:
    society.found(context)
    USE_CASES[name](context)
    with context.db.read() as tx:
        assert society.groundless(tx) == []
        assert tx.scalar(sa.text("SELECT COUNT(*) FROM subscriptions WHERE state = 'subscribed'"))
        assert tx.scalar(sa.select(sa.func.count()).select_from(ConsentEvent))
    assert verify(context).findings == []


COMMANDS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("subscribe",): ("subscribe", "new@example.org"),
    ("people", "import"): (
        "people", "import", "people.csv", "--consent", "I want it", "--collected", "2025-03-21", "--yes",
    ),
    ("people", "edit"): ("people", "edit", "a@example.org", "--resume", "newsletter"),
    ("people", "merge"): ("people", "merge", "a@example.org", "b@example.org", "--yes"),
}  # fmt: skip


def test_every_command_that_leads_to_subscribed_is_driven_here_D6() -> None:
    leading = _leading(WRITERS)
    found = set()
    for path, command, _ in reference.walk():
        callback = command.callback
        if callback is not None:
            place = (callback.__module__.removeprefix("balintmail."), callback.__name__)
            if place in leading:
                found.add(path)
    assert found == COMMANDS.keys()


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_command_subscribes_nobody_without_a_consent_event_D6(
    path: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "i"
    assert call("init", folder, *SOCIETY).status == 0
    assert call("-C", folder, "subscribe", "a@example.org", "b@example.org").status == 0
    assert call("-C", folder, "people", "edit", "a@example.org", "--pause", "newsletter").status == 0
    (tmp_path / "people.csv").write_text("email\nc@example.org\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    assert call("-C", folder, *COMMANDS[path]).status == 0
    database = Database(Database.parse(f"sqlite:///{folder / 'balintmail.db'}"))
    with database.read() as tx:
        assert society.groundless(tx) == []
    database.close()
    assert call("-C", folder, "consent", "verify").status == 0
