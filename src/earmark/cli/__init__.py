"""The command `earmark`: parse, call, print.

Commands import what they need when they are called, so that `earmark --help` answers at once. Results go to standard
output, everything else (progress, warnings, errors) to standard error. The exit status is 0 if all went well, 1 if
anything could not be done, 130 after Ctrl-C.
"""

import os
import sys
from io import TextIOWrapper
from typing import Annotated, Any

# Before NumPy is loaded: starting the threads of its linear algebra costs CPU, and nothing that this command does on
# its own uses them.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import typer

from earmark import __version__
from earmark.cli.audit import audit
from earmark.cli.b2b import b2b
from earmark.cli.distil import distil
from earmark.cli.evaluate import evaluate
from earmark.cli.export import export
from earmark.cli.export_library import export_library
from earmark.cli.find import find
from earmark.cli.import_keras import import_keras
from earmark.cli.listen import listen
from earmark.cli.manifest import app as manifest
from earmark.cli.messages import complain, debugging
from earmark.cli.mix import mix
from earmark.cli.models import app as models
from earmark.cli.pool import pool
from earmark.cli.scan import scan
from earmark.cli.serve import serve
from earmark.cli.set import make_set
from earmark.cli.similar import similar
from earmark.cli.synth import app as synth
from earmark.cli.tag import tag
from earmark.cli.taste import learn_taste, recommend
from earmark.cli.teach import teach
from earmark.cli.train import train, train_tables
from earmark.errors import EarmarkError, MissingExtra

app = typer.Typer(
    help="earmark listens to electronic music and says which style it is.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(listen)
app.command()(scan)
app.command()(find)
app.command()(similar)
app.command("learn-taste")(learn_taste)
app.command()(recommend)
app.command()(serve)
app.command()(evaluate)
app.command()(teach)
app.command()(export)
app.command("import-keras")(import_keras)
app.command()(train)
app.command("train-tables")(train_tables)
app.command()(distil)
app.command()(pool)
app.command()(tag)
app.command("export-library")(export_library)
app.command("set")(make_set)
app.command()(b2b)
app.command()(audit)
app.command()(mix)
app.add_typer(models, name="models")
app.add_typer(manifest, name="manifest")
app.add_typer(synth, name="synth")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"earmark {__version__}")
        raise typer.Exit


@app.callback()
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
        sys.exit(app(prog_name="earmark", standalone_mode=False))
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


# Of what typer raises for a wrong command line only the classes that are raised by commands have public names.
_UsageError: type[Exception] = typer.BadParameter.__bases__[0]


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
    message = str(worded.format_message() if getattr(error, "param", None) else worded.message)
    if "\n" in message:  # the help of a command that was given nothing
        typer.echo(message, err=True)
    else:
        named = context.command_path if context else "earmark"
        complain(f"{message.rstrip('.?')}; `{named} --help` explains the options")
    sys.exit(2)
