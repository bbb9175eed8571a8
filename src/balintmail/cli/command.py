"""What every command shares: the global options, which may stand before or after the command's name.

It knows no command and opens nothing by itself; `App` opens the instance when a command asks for it.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import click

if TYPE_CHECKING:
    from pathlib import Path

    from balintmail.services.context import Context
    from balintmail.wiring import Instance

P = ParamSpec("P")
R = TypeVar("R")

_GLOBAL = frozenset({"directory", "json", "verbose", "by"})


@dataclass
class Globals:
    """The global options, wherever they stood."""

    directory: str = ""
    json: bool = False
    verbose: bool = False
    by: str = ""


class App:
    """What a command is given: its output, and the instance it works on."""

    def __init__(self, options: Globals) -> None:
        from balintmail.cli.output import Output  # noqa: PLC0415  (help needs none of it)

        self.options = options
        self.out: Output = Output(json=options.json)

    @property
    def instance_start(self) -> "Path":
        """The folder from which the instance is looked for upward."""
        from pathlib import Path  # noqa: PLC0415  (a tenth of what help costs)

        return Path(self.options.directory or Path.cwd())

    @contextmanager
    def instance(self) -> Iterator["Instance"]:
        """Yield the instance of `-C`, or the nearest upward, its schema checked; close it afterwards."""
        from balintmail.wiring import find_instance, open_instance  # noqa: PLC0415  (loads SQLAlchemy)

        instance = open_instance(find_instance(self.instance_start))
        try:
            instance.database.require_private()
            instance.database.require_schema()
            yield instance
        finally:
            instance.close()

    @contextmanager
    def context(self) -> Iterator["Context"]:
        """Yield what a use-case needs, done in the name of `--by`."""
        with self.instance() as instance:
            yield instance.context(actor=self.options.by)


def _store(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    options = ctx.find_root().ensure_object(Globals)
    if value and param.name:
        setattr(options, param.name, value)


def _store_by(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    """Keep who does it, cleaned once for every command, for it goes on record."""
    if value:
        from balintmail.domain.hygiene import one_line  # noqa: PLC0415  (help needs none of it)

        _store(ctx, param, one_line(value, what="the name after --by", longest=100))


def global_options() -> list[click.Parameter]:
    """Return fresh copies of the global options."""
    return [
        click.Option(
            ["-C", "directory"],
            type=click.Path(file_okay=False),
            metavar="DIR",
            help="The instance's folder (default: the nearest balintmail.toml upward).",
            expose_value=False,
            callback=_store,
            is_eager=True,
        ),
        click.Option(
            ["--json"],
            is_flag=True,
            help="Print one JSON document.",
            expose_value=False,
            callback=_store,
            is_eager=True,
        ),
        click.Option(
            ["-v", "--verbose"], is_flag=True, help="Say more.", expose_value=False, callback=_store, is_eager=True
        ),
        click.Option(
            ["--by"],
            metavar="NAME",
            help="Who does it, for the record (default: the Secretary).",
            expose_value=False,
            callback=_store_by,
            is_eager=True,
        ),
    ]


class Command(click.Command):
    """A command that takes the global options after its name as well."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(global_options())

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_options(self, ctx, formatter)


class Group(click.Group):
    """A group of commands for one noun."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(global_options())

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands, each with its whole first sentence."""
        found = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [(name, one.get_short_help_str(limit=1000)) for name, one in found if one is not None and not one.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        name_nearest(self, ctx, args)
        return super().resolve_command(ctx, args)


Group.group_class = Group


def name_nearest(group: click.Group, ctx: click.Context, args: list[str]) -> None:
    """Refuse a first word that is no command of `group`, and name the nearest."""
    names = group.list_commands(ctx)
    if args and args[0] not in names and not args[0].startswith("-") and not ctx.resilient_parsing:
        import difflib  # noqa: PLC0415  (only on the way to an error)

        near = difflib.get_close_matches(args[0], names, n=1)
        words = " ".join([*ctx.command_path.split()[1:], args[0]])
        ctx.fail(f'There is no command "{words}".' + (f" Nearest: {near[0]}." if near else ""))


def _write_options(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """Show the command's own options, and the global ones in a section of their own."""
    own: list[tuple[str, str]] = []
    shared: list[tuple[str, str]] = []
    for param in command.get_params(ctx):
        record = param.get_help_record(ctx)
        if record and record[1]:  # an argument without a word of its own stands in the usage line already
            (shared if param.name in _GLOBAL else own).append(record)
    for title, rows in (("Options", own), ("Global options", shared)):
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)


def pass_app(function: Callable[Concatenate[App, P], R]) -> Callable[P, R]:
    """Give the command function its `App` as first argument."""

    @functools.wraps(function)
    def with_app(*args: P.args, **kwargs: P.kwargs) -> R:
        ctx = click.get_current_context()
        return function(App(ctx.find_root().ensure_object(Globals)), *args, **kwargs)

    return with_app
