"""`balintmail completion SHELL`: the lines a shell reads to complete our commands and options.

The completing itself is click's; cli/main.py answers for the commands' names without importing them.
"""

import click
from click.shell_completion import get_completion_class

from balintmail.cli.command import App, Command, pass_app

WHERE = {
    "bash": 'Add to ~/.bashrc:  eval "$(balintmail completion bash)"',
    "zsh": 'Add to ~/.zshrc, after compinit:  eval "$(balintmail completion zsh)"',
    "fish": "Run:  balintmail completion fish > ~/.config/fish/completions/balintmail.fish",
}


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(list(WHERE)))
@pass_app
def completion(app: App, /, shell: str) -> None:
    """Print the shell completion for bash, zsh or fish.

    \b
    bash:  eval "$(balintmail completion bash)"   in ~/.bashrc
    zsh:   eval "$(balintmail completion zsh)"    in ~/.zshrc, after compinit
    fish:  balintmail completion fish > ~/.config/fish/completions/balintmail.fish
    """
    found = get_completion_class(shell)
    assert found is not None  # click knows all three
    root = click.get_current_context().find_root().command
    script = found(root, {}, "balintmail", "_BALINTMAIL_COMPLETE").source()
    app.out.json({"shell": shell, "script": script})
    app.out.line(f"# {WHERE[shell]}")
    app.out.line(script)
