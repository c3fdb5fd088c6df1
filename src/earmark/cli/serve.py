"""`earmark serve`: the browser application and the REST API."""

import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from earmark.cli.messages import say
from earmark.cli.shared_options import Catalogued


def serve(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FOLDER]...", help="Music that may be scanned from the page; by default your music folder."
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="The address to listen on; another than this machine gets a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port.")] = 8020,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in your browser.")] = True,
    catalogue: Catalogued = None,
    model: Annotated[
        str, typer.Option(help="A model's name or folder; by default the one chosen on the page, else house12.")
    ] = "",
) -> None:
    """Open earmark in the browser: listen, look through the library, and more; offline, on this machine."""
    from platformdirs import user_music_path

    from earmark.errors import EarmarkError
    from earmark.hearing.bundle import locate
    from earmark.web import server
    from earmark.web.site import Site

    if model:
        locate(model)
    for folder in folders or ():
        if not folder.is_dir():
            raise EarmarkError(f"{folder}: there is no such folder")
    _require_free(host, port)
    site = Site.of(catalogue, tuple(folders or (user_music_path(),)), model, host, port)
    say(f"earmark: {site.address}   (Ctrl-C ends it)")
    server.serve(site, browser=browser)


def _require_free(host: str, port: int) -> None:
    """Say in one line that the port is taken, or that the address is none of this machine."""
    from earmark.errors import EarmarkError

    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            if sys.platform != "win32":  # where it lets two listen at once
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise EarmarkError(f"cannot listen on {host}:{port}: {error.strerror}; --port chooses another port") from error
