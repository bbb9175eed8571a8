"""Run one target under atheris: `python -m tests.fuzz.guided TARGET [libFuzzer's options]`; started by __main__.py."""

import sys

import atheris

with atheris.instrument_imports(include=["balintmail.receiving", "balintmail.domain"], enable_loader_override=False):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Hand the process over to libFuzzer."""
    atheris.Setup([sys.argv[0], *sys.argv[2:]], TARGETS[sys.argv[1]])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
