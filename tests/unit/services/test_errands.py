"""Dispatch runs every errand there is: one that is forgotten would leave data lying, and nobody would notice."""

import ast
import inspect
from pathlib import Path

from balintmail.services import errands


def test_every_module_that_tidies_is_among_the_errands_S45_S46() -> None:
    run = ast.parse(inspect.getsource(errands.run))
    called = {ast.unparse(node.func) for node in ast.walk(run) if isinstance(node, ast.Call)}
    tidying = {f"{path.stem}.tidy" for path in Path(errands.__file__).parent.glob("*.py") if _tidies(path)}
    assert len(tidying) > 5
    assert tidying <= called


def _tidies(path: Path) -> bool:
    module = ast.parse(path.read_text("utf-8"))
    return any(isinstance(one, ast.FunctionDef) and one.name == "tidy" for one in module.body)
