"""The command `earmark`: parse, call, print.

A command's module is loaded when it is called, and imports what it needs when it runs: the answer for one file, and
`earmark --help`, come at once. Results go to standard
output, everything else (progress, warnings, errors) to standard error. The exit status is 0 if all went well, 1 if
anything could not be done, 130 after Ctrl-C.
"""

import gc
import os
import sys
from collections.abc import Iterable
from importlib import import_module
from io import TextIOWrapper
from typing import Annotated, Any, Final

# Before NumPy is loaded: starting the threads of its linear algebra costs CPU, and nothing that this command does on
# its own uses them.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# What a start loads is no garbage: looking for some in it every 700 objects costs a twentieth of the start.
gc.set_threshold(100_000, *gc.get_threshold()[1:])

import typer

from earmark import __version__
from earmark.cli.messages import complain, debugging
from earmark.errors import EarmarkError, MissingExtra

COMMANDS: Final = {
    "listen": "listen:listen",
    "scan": "scan:scan",
    "find": "find:find",
    "similar": "similar:similar",
    "learn-taste": "taste:learn_taste",
    "recommend": "taste:recommend",
    "serve": "serve:serve",
    "evaluate": "evaluate:evaluate",
    "teach": "teach:teach",
    "export": "export:export",
    "import-keras": "import_keras:import_keras",
    "train": "train:train",
    "train-tables": "train:train_tables",
    "distil": "distil:distil",
    "pool": "pool:pool",
    "tag": "tag:tag",
    "export-library": "export_library:export_library",
    "set": "set:make_set",
    "b2b": "b2b:b2b",
    "audit": "audit:audit",
    "mix": "mix:mix",
    "models": "models:app",
    "manifest": "manifest:app",
    "synth": "synth:app",
}
"""Each command's module and what stands for it there, a function or an app of several commands."""


def build(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """The app with some of the `COMMANDS`; nothing of the others is loaded."""
    app = typer.Typer(
        help="earmark listens to electronic music and says which style it is.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name in names:
        module, _, attribute = COMMANDS[name].partition(":")
        found = getattr(import_module(f"earmark.cli.{module}"), attribute)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name)(found)
    app.callback()(options)
    return app


def __getattr__(name: str) -> typer.Typer:
    """The app with all commands, `app`, built when it is first asked for."""
    if name != "app":
        raise AttributeError(f"module 'earmark.cli' has no attribute {name!r}")
    globals()[name] = app = build()
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"earmark {__version__}")
        raise typer.Exit


def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show where in the program an error came from.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take the options that all commands share; they are acted on in `main` and in their callbacks."""


def main() -> None:
    """Run the command; turn errors into one line and an exit status."""
    debug = debugging()
    if isinstance(sys.stdout, TextIOWrapper):  # a file name may hold what the terminal cannot show
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        sys.exit(_asked_for()(prog_name="earmark", standalone_mode=False))
    except _UsageError as error:
        _explain(error)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # who reads our output has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (EarmarkError, ModuleNotFoundError, OSError) as error:
        reason = _reason(error)
        if debug or not reason:
            raise
        complain(reason)
        sys.exit(1)
    finally:
        gc.freeze()  # nor is what is left at the end: looking through it would cost a tenth of the first answer


def _asked_for() -> typer.Typer:
    """The app with the command that is called; with all of them, if it is none of them."""
    first = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    return build([first] if first in COMMANDS else COMMANDS)


# Of what typer raises for a wrong command line only the classes that are raised by commands have public names.
_UsageError: type[Exception] = typer.BadParameter.__bases__[0]


_OF_WEB = {"fastapi", "fastapi_offline", "nicegui", "starlette", "uvicorn"}
_OF_TEACH = {"matplotlib", "onnx", "safetensors", "scipy", "sklearn"}
_OF_TRAIN = _OF_TEACH | {
    "h5py",
    "lightning",
    "lightning_fabric",
    "onnx_ir",
    "onnxscript",
    "pyarrow",
    "pydantic",
    "torch",
}


def _extra_with(module: str, command: str) -> str | None:
    """The smallest extra with which a command finds a module; None if no extra brings it."""
    if module == "implicit" or (command == "learn-taste" and module == "scipy"):
        return "taste"
    if module in _OF_WEB:
        return "web"
    if command == "teach" and module in _OF_TEACH:
        return "teach"
    return "train" if module in _OF_TRAIN else None


def _reason(error: Exception) -> str:
    """One line that says what is wrong, or "" if only the developers can tell."""
    if isinstance(error, ModuleNotFoundError):
        command = " ".join(sys.argv[1:2])
        extra = _extra_with((error.name or "").partition(".")[0], command)
        return str(MissingExtra(f"`earmark {command}`", extra)) if extra else ""
    if isinstance(error, OSError):  # a folder that cannot be written, a full disk
        return ": ".join(filter(None, (str(error.filename or ""), error.strerror))) if error.strerror else ""
    return str(error)


def _explain(error: Exception) -> None:
    """Say in one line what is wrong with the command line, and where it is explained; the exit status is 2."""
    context: Any = getattr(error, "ctx", None)
    worded: Any = error
    choosing = getattr(error, "param", None)
    message = str(worded.format_message() if choosing else worded.message)
    if "\n" in message and not choosing:  # the help of a command that was given nothing
        typer.echo(message, err=True)
    else:
        message = " ".join(message.split())  # what may be chosen stands in lines of its own
        named = context.command_path if context else "earmark"
        complain(f"{message.rstrip('.?')}; `{named} --help` explains the options")
    sys.exit(2)
