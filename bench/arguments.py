"""The arguments of scripts that have no options, and an answer to `--help`."""

import argparse


def arguments(description: str | None, *names: str) -> list[str]:
    """The arguments that are given; one too many, or one too few, ends the script with a word about it.

    Args:
        description: the docstring of the script.
        names: of the arguments in their order: FILE, [FILE] where it may be left out, FILE... where there may be more.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in names:
        number = "?" if name.startswith("[") else "+" if name.endswith("...") else 1
        parser.add_argument(name.strip("[."), nargs=number, metavar=name.strip("[]."))
    given = vars(parser.parse_args()).values()
    return [each for value in given if value for each in ([value] if isinstance(value, str) else value)]
