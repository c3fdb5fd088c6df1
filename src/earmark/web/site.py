"""The settings of one server."""

import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path

from earmark.app.catalogue import catalogue_path
from earmark.app.listening import MODEL
from earmark.errors import EarmarkError
from earmark.hearing.bundle import locate
from earmark.web.choice import Choice

LOCAL = ("localhost", "127.0.0.1", "::1")
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104  they are known here, not listened on
MEGABYTE = 1_000_000
RETRY_AFTER = 5  # seconds, for who was refused because too much is under way


@dataclass(frozen=True)
class Site:
    """The settings of one server.

    Attributes:
        catalogue: the path of the catalogue; there may be none yet.
        folders: may be scanned from the page, with all below them.
        named: the model that hears, a name or a folder; "" leaves it to what was chosen on the page.
        host: the address that is listened on.
        port: the port.
        token: must be shown by whoever asks; "" on this machine alone.
        upload_limit: bytes of one request.
        disk_limit: bytes on the disk that uploads may take together.
        waiting_limit: uploads that may be sent, or wait for the model, at once.
        patience: seconds until an upload that is still not heard is given up.
        silence: seconds until an upload of which nothing more comes is given up.
        jobs: the folder where long work is noted.
    """

    catalogue: Path
    folders: tuple[Path, ...] = ()
    named: str = ""
    host: str = "127.0.0.1"
    port: int = 8020
    token: str = ""
    upload_limit: int = 500 * MEGABYTE
    disk_limit: int = 4000 * MEGABYTE
    waiting_limit: int = 32
    patience: float = 120.0
    silence: float = 120.0
    jobs: Path = field(default_factory=Path)

    @classmethod
    def of(
        cls,
        catalogue: Path | None = None,
        folders: tuple[Path, ...] = (),
        named: str = "",
        host: str = "127.0.0.1",
        port: int = 8020,
    ) -> "Site":
        """The settings for an address; one that others can reach gets a token."""
        path = catalogue_path(catalogue)
        token = "" if host in LOCAL else secrets.token_urlsafe(24)
        jobs = path.with_name(path.stem + ".jobs")
        return cls(path, tuple(folder.resolve() for folder in folders), named, host, port, token, jobs=jobs)

    @property
    def model(self) -> str:
        """The model that hears uploads and scans: a name or a folder."""
        return self.named or self.choice.chosen or MODEL

    @property
    def choice(self) -> Choice:
        """The model that was chosen on the page."""
        return Choice(self.catalogue.with_name(self.catalogue.stem + ".model.json"))

    def choose(self, name: str) -> None:
        """Let another model hear from now on.

        Raises:
            EarmarkError: the command line says which one hears, or no name is given.
            BundleError: there is no such model.
        """
        if self.named:
            raise EarmarkError(f"the server was started with --model {self.named}: that one hears until it ends")
        if not name:
            raise EarmarkError("no other model heard before")
        locate(name)
        self.choice.choose(name, self.model)

    @property
    def address(self) -> str:
        """The address of the first page; where all of this machine's are listened on, that of its name."""
        named = socket.gethostname() if self.host in EVERYWHERE else self.host
        host = f"[{named}]" if ":" in named else named
        asked = f"/?token={self.token}" if self.token else ""
        return f"http://{host}:{self.port}{asked}"

    def may_scan(self, folder: Path) -> bool:
        """Whether a folder is one of `folders`, or lies below one."""
        try:
            found = folder.resolve()
        except (OSError, ValueError, RuntimeError):  # a name that no file can have, or a link to itself
            return False
        return any(found.is_relative_to(each) for each in self.folders)
