"""Run `python -m balintmail` as the command `balintmail`."""

from balintmail.cli.main import main

if __name__ == "__main__":
    main()
