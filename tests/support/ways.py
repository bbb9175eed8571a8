"""Find in the source every function from which a row of `subscriptions` can come to be subscribed (D6).

Names are followed from function to function; whatever names a function may call it.
"""

import ast
from pathlib import Path

import balintmail

SOURCE = Path(balintmail.__file__).parent
Name = tuple[str, str]  # module below balintmail, function or class

# The only functions that can leave a row of `subscriptions` subscribed.
WRITERS: set[Name] = {
    ("db.subscriptions", "begin"),
    ("db.subscriptions", "resume"),
    ("db.subscriptions", "take_over"),
    ("db.import_writing", "write"),
}
QUIET: set[Name] = {  # they write the table and never subscribe
    ("db.subscriptions", "answer"),
    ("db.subscriptions", "end"),
    ("db.subscriptions", "pause"),
    ("db.subscriptions", "quieten"),
    ("db.merging", "join_answers"),
}


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


def leading(targets: set[Name]) -> set[Name]:
    """Return everything from which one of `targets` can be reached."""
    graph, reached = _graph(), set(targets)
    while more := {name for name, named in graph.items() if name not in reached and named & reached}:
        reached |= more
    return reached


def writing() -> set[Name]:
    """Return the functions whose statements change a row of `subscriptions`, or add one."""
    found = set()
    for path in SOURCE.rglob("*.py"):
        module = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        for node in ast.parse(path.read_text("utf-8")).body:
            text = ast.unparse(node)
            if isinstance(node, ast.FunctionDef) and ("update(Subscription)" in text or "insert(Subscription)" in text):
                found.add((module, node.name))
    return found
