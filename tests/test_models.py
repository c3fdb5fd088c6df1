"""Adding models: the download from a server that misbehaves, the bundle, and the command."""

import hashlib
import json
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save

from earmark.audio import decode
from earmark.cli import main
from earmark.errors import BundleError, DownloadError, EarmarkError
from earmark.files import data_folder
from earmark.hearing import Model
from earmark.hearing import bundle as hearing_bundle
from earmark.hearing.bundle import (
    ATTRIBUTION,
    CARD,
    CHECK,
    CONFIG,
    FORMAT,
    NETWORK,
    WEIGHTS,
    Config,
    added,
    at_hand,
    locate,
    read_config,
    shipped,
    strongest,
    user_models,
)
from earmark.learning import adding, downloads
from earmark.learning.bundle import load_network
from earmark.learning.downloads import ADDABLE, MN04, YAMNET, Addable, Source, fetch
from earmark.learning.networks import ARCHITECTURES, mn04
from earmark.learning.networks.mn04_ear import Mn04Spectrogram
from earmark.learning.networks.yamnet import graph
from earmark.learning.networks.yamnet.classes import NAMES
from earmark.learning.networks.yamnet.graph import Yamnet
from earmark.learning.networks.yamnet.network import YamnetEar
from earmark.learning.networks.yamnet.patches import front_end
from earmark.learning.onnx_export import export
from earmark.testing.bundles import tiny_bundle

CONTENT = np.random.default_rng(0).bytes(300_000)
EXAMPLE = Path(__file__).parents[1] / "examples" / "11-techno.opus"


@dataclass
class Server:
    """A server of one file, and how it behaves; `ranges` notes what it was asked for."""

    url: str = ""
    content: bytes = CONTENT
    status: int = 200
    stops_after: int | None = None  # bytes of the body, then the connection is cut
    continues: bool = True
    ranges: list[str | None] = field(default_factory=list)

    @property
    def source(self) -> Source:
        return Source(
            file="network.bin",
            url=f"{self.url}/network.bin",
            size=len(CONTENT),
            sha256=hashlib.sha256(CONTENT).hexdigest(),
            project="none",
            licence="none",
        )


@pytest.fixture
def server() -> Iterator[Server]:
    """Start a server on this machine."""
    behaves = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers["Range"]
            behaves.ranges.append(asked)
            if behaves.status != 200:
                self.send_error(behaves.status)
                return
            start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and behaves.continues else 0
            body = behaves.content[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: behaves.stops_after])

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        behaves.url = f"http://127.0.0.1:{served.server_port}"
        yield behaves
        served.shutdown()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder for the models of a user."""
    monkeypatch.setenv("EARMARK_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Return what runs the command in this process: exit status, standard output, standard error."""

    def command(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["earmark", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code
        return (code if isinstance(code, int) else 0, *capsys.readouterr())

    return command


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# The download


def test_a_file_is_downloaded_whole_and_only_once(server: Server, tmp_path: Path) -> None:
    shares: list[float] = []
    path = fetch(server.source, tmp_path / "new", lambda _title, share: shares.append(share))
    assert path.read_bytes() == CONTENT
    assert left(tmp_path / "new") == ["network.bin"]
    assert shares == sorted(shares)
    assert (len(shares) > 2, shares[-1]) == (True, 1)
    assert fetch(server.source, tmp_path / "new") == path
    assert server.ranges == [None]


def test_a_cut_connection_leaves_no_file_and_is_continued(server: Server, tmp_path: Path) -> None:
    server.stops_after = 100_000
    with pytest.raises(
        DownloadError, match=r"/network\.bin: .*100000 of 300000 bytes; the next attempt continues there"
    ):
        fetch(server.source, tmp_path)
    assert left(tmp_path) == [".network.bin.part"]
    server.stops_after = None
    assert fetch(server.source, tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=100000-"]
    assert left(tmp_path) == ["network.bin"]


def test_a_server_that_does_not_continue_begins_anew(server: Server, tmp_path: Path) -> None:
    server.stops_after, server.continues = 100_000, False
    with pytest.raises(DownloadError):
        fetch(server.source, tmp_path)
    server.stops_after = None
    assert fetch(server.source, tmp_path).read_bytes() == CONTENT
    assert server.ranges[-1] == "bytes=100000-"


@pytest.mark.parametrize("content", [b"another file" + CONTENT[12:], CONTENT + b"and more"])
def test_another_file_is_refused_and_not_kept(server: Server, tmp_path: Path, content: bytes) -> None:
    server.content = content
    with pytest.raises(DownloadError, match=r"this is not the expected file: its sha256 is [0-9a-f]{64}, not"):
        fetch(server.source, tmp_path)
    assert left(tmp_path) == []


def test_a_part_of_another_file_does_no_lasting_harm(server: Server, tmp_path: Path) -> None:
    (tmp_path / ".network.bin.part").write_bytes(b"of another time")
    with pytest.raises(DownloadError, match="not the expected file"):
        fetch(server.source, tmp_path)
    assert fetch(server.source, tmp_path).read_bytes() == CONTENT


def test_a_damaged_file_is_downloaded_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "network.bin").write_bytes(CONTENT[:-1])
    assert fetch(server.source, tmp_path).read_bytes() == CONTENT


def test_a_file_that_was_whole_but_never_renamed_is_downloaded_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / ".network.bin.part").write_bytes(CONTENT)
    assert fetch(server.source, tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None]


def test_what_the_server_answers_is_said(server: Server, tmp_path: Path) -> None:
    server.status = 404
    with pytest.raises(DownloadError, match=r"^http://127\..*/network\.bin: the server answers 404 Not Found$"):
        fetch(server.source, tmp_path)


def test_without_a_network_it_says_so(server: Server, tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = replace(server.source, url=f"http://127.0.0.1:{unused.getsockname()[1]}/network.bin")
        with pytest.raises(DownloadError, match=r"network\.bin: cannot be reached: Connection refused"):
            fetch(nobody, tmp_path)
    nowhere = replace(server.source, url="http://nowhere.invalid/network.bin")
    with pytest.raises(DownloadError, match=r"http://nowhere\.invalid/network\.bin: cannot be reached: "):
        fetch(nowhere, tmp_path)
    assert left(tmp_path) == []


def test_a_server_that_falls_silent_is_given_up(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        source = replace(server.source, url=f"http://127.0.0.1:{silent.getsockname()[1]}/network.bin")
        with pytest.raises(DownloadError, match="timed out"):
            fetch(source, tmp_path)


# Where models live


def test_the_folder_of_models_is_that_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("EARMARK_MODELS")
    assert user_models() == data_folder() / "models"
    monkeypatch.setenv("EARMARK_MODELS", str(tmp_path / "mine"))
    assert user_models() == tmp_path / "mine"


def test_an_added_model_is_found_by_its_name(here: Path) -> None:
    assert added() == {}
    folder = tiny_bundle(here / "small")
    (here / ".small.new").mkdir()
    (here / ".small.new" / CONFIG).write_text("{}", encoding="utf-8")
    assert added() == {"small": folder}
    assert locate("small") == folder
    assert Model.open("small").config.name == "small"
    assert list(at_hand()) == [*shipped(), "small"]


def test_an_added_model_does_not_take_the_name_of_one_that_comes_with_earmark(here: Path) -> None:
    tiny_bundle(here / "house12")
    assert locate("house12") == shipped()["house12"]


# Adding


def test_every_model_that_can_be_added_can_be_written() -> None:
    assert adding.WRITERS.keys() == ADDABLE.keys()
    assert not ADDABLE.keys() & shipped().keys()


def test_what_cannot_be_added_is_refused(here: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"^nope: not one of the models that can be added: .*yamnet"):
        adding.add("nope")
    with pytest.raises(BundleError, match=r"other\.tflite: No such file"):
        adding.add("yamnet", [tmp_path / "other.tflite"])
    (here / "yamnet").mkdir(parents=True)
    with pytest.raises(BundleError, match="this is not a model"):
        adding.add("yamnet", [tmp_path / "other.tflite"])


def test_yamnet_is_downloaded_and_hears(
    server: Server,
    here: Path,
    shared_teachers: Path,
    run: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.content = (shared_teachers / YAMNET.file).read_bytes()
    local = replace(YAMNET, url=f"{server.url}/{YAMNET.file}")
    monkeypatch.setitem(ADDABLE, "yamnet", Addable("yamnet", "hears", (local,)))
    assert run("models", "add", "yamnet") == (0, f"written: {here / 'yamnet'}\n", "")
    assert left(here) == [".downloads", "yamnet"]
    assert left(here / ".downloads") == [YAMNET.file]

    model = Model.open("yamnet")
    model.verify()
    assert (model.config.task, model.config.styles) == ("tags", list(NAMES.values()))
    assert model.config.provenance["file_sha256"] == YAMNET.sha256
    heard = model.hear(decode(EXAMPLE, model.config.sample_rate))
    assert heard.embedding.shape == (1024,)
    assert heard.timeline.top(1)[0][0] == "Music"
    assert heard.timeline.top(1)[0][1] > 0.8
    card = (model.folder / "README.md").read_text(encoding="utf-8")
    assert {"Apache-2.0", YAMNET.sha256} <= set(re.findall(r"[\w.-]+", card))
    assert max(map(len, card.splitlines())) <= 120
    silence = model.hear(np.zeros(model.config.sample_rate, np.float32))
    assert silence.timeline.top(1)[0][0] == "Silence"

    status, out, err = run("models")
    (row,) = [line.split() for line in out.splitlines() if line.split()[:1] == ["yamnet"]]
    assert row[1:5] == ["40", "yamnet", "17.1", "MB"]
    assert (status, "models add yamnet" in err) == (0, False)
    status, out, _ = run("listen", "--model", "yamnet", "--json", "--top", "1", EXAMPLE)
    assert (status, json.loads(out)[0]["styles"][0]["style"]) == (0, "Music")


def bare_pool(folder: Path) -> Path:
    """Write what there is of a pool of two styles but its ONNX file, with an ear that hears at random."""
    folder.mkdir(parents=True)
    settings = {
        "descriptors": {"members": 2, "hidden": [16]},
        "ear": {"architecture": "ear", "settings": {"outputs": 571, "every": 2.912}},
        "opinions": {"classes": 521, "table": [[236, 0, 1.0], [235, 1, 1.0]], "music": [132], "other": [0, 494]},
        "weight": 1.0,
    }
    torch.manual_seed(0)
    content = {WEIGHTS: save(ARCHITECTURES["pool"](2, **settings).state_dict()), NETWORK: b"", CHECK: b""}
    config = Config(
        format=FORMAT,
        name=folder.name,
        task="styles",
        architecture="pool",
        settings=settings,
        sample_rate=22_050,
        window=29.12,
        hop=29.12,
        shortest=1.0,
        styles=["Techno", "House"],
        families={"Techno": "Techno", "House": "House"},
        temperature=0.7,
        unknown_threshold=0.3,
        provenance={"summary": "a pool", "ear": "a student"},
        measures={"precision_at_1": 0.7, "ear": {"patches": 1}},
        sha256={name: hashlib.sha256(data).hexdigest() for name, data in content.items()},
    )
    for name, data in content.items():
        (folder / name).write_bytes(data)
    (folder / CONFIG).write_text(json.dumps(vars(config)), encoding="utf-8")
    (folder / ATTRIBUTION).write_text("# Works\n", encoding="utf-8")
    (folder / CARD).write_text("# house12\n\nA pool.\n\n## Limits\n\nMany.\n", encoding="utf-8")
    return folder


def test_the_pool_listens_with_yamnet_in_place_of_its_own_ear(
    here: Path, shared_teachers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = bare_pool(tmp_path / "shipped" / "house12")
    monkeypatch.setattr(hearing_bundle, "SHIPPED", base.parent)
    written: list[Any] = []
    monkeypatch.setattr(adding, "write", lambda *arguments: written.extend(arguments))
    assert adding.add("house12+yamnet", [shared_teachers / YAMNET.file]) == here / "house12+yamnet"

    folder, network, config, card, check, attribution = written
    assert (folder, config.name) == (here / "house12+yamnet", "house12+yamnet")
    assert config.settings["ear"] == {"architecture": "yamnet", "settings": {"hop": 96}}
    assert (config.temperature, config.unknown_threshold, config.styles) == (0.7, 0.3, ["Techno", "House"])
    assert config.measures == {}  # nothing of what was measured is said of another ear
    assert config.provenance["ear"].startswith("YAMNet, ")
    assert config.provenance["file_sha256"] == YAMNET.sha256
    assert re.findall("^#.*", card, re.MULTILINE)[-2:] == ["## The card of `house12`", "### Limits"]

    waveform = torch.from_numpy(decode(EXAMPLE, 22_050, duration=5)[None])
    with torch.no_grad():
        scores, embedding = network.ear(waveform)
        measured = load_network(base).descriptors(waveform)  # type: ignore[operator]
        assert torch.equal(network.descriptors(waveform)[0], measured[0])
        assert network(waveform)[1].shape == (1, 70 + 2 + 1024)
    expected = Yamnet(shared_teachers / YAMNET.file).hear(front_end(decode(EXAMPLE, 16_000, duration=5), 96))
    assert scores[0].numpy() == pytest.approx(expected[0], abs=0.01)
    assert embedding[0].numpy() == pytest.approx(expected[1], abs=0.05)
    assert check.shape == (1, 3 * 22_050)
    assert attribution == "# Works\n"


@pytest.mark.parametrize("order", [1, pytest.param(-1, marks=pytest.mark.slow)])
def test_the_pool_listens_with_three_ears_whose_files_come_in_any_order(
    here: Path, shared_teachers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: int
) -> None:
    base = bare_pool(tmp_path / "shipped" / "house12")
    monkeypatch.setattr(hearing_bundle, "SHIPPED", base.parent)
    written: list[Any] = []
    monkeypatch.setattr(adding, "write", lambda *arguments: written.extend(arguments))
    files = [shared_teachers / YAMNET.file, shared_teachers / MN04.file]
    assert adding.add("ears", files[::order]) == here / "house12+ears"

    folder, network, config, card, _, attribution = written
    assert (folder, config.name, config.architecture) == (here / "house12+ears", "house12+ears", "pool")
    own = read_config(base).settings["ear"]
    assert config.settings["ear"] == {"architecture": "ears", "settings": {"own": own, "hop": 96}}
    assert {key: config.settings[key] for key in ("weight", "opinions", "descriptors")} == {
        key: read_config(base).settings[key] for key in ("weight", "opinions", "descriptors")
    }
    assert (config.temperature, config.unknown_threshold, config.measures) == (0.7, 0.3, {})
    assert config.provenance["file_sha256"] == [YAMNET.sha256, MN04.sha256]
    assert config.provenance["licence"] == ["Apache-2.0", "MIT"]
    assert {YAMNET.sha256, MN04.sha256, "Apache-2.0", "MIT"} <= set(re.findall(r"[\w.-]+", card))
    assert max(map(len, card.splitlines())) <= 120
    assert attribution == "# Works\n"

    waveform = torch.from_numpy(decode(EXAMPLE, 22_050, duration=5)[None])
    yamnet, published = YamnetEar().eval(), mn04.read(shared_teachers / MN04.file)
    yamnet.take(graph.read(shared_teachers / YAMNET.file))
    with torch.no_grad():
        pool: Any = load_network(base)
        scores, embedding = network.ear(waveform)
        own_scores, own_embedding = (values.mean(1) for values in pool.ear(waveform))
        yamnet_scores, yamnet_embedding = (values.mean(1) for values in yamnet(waveform))
        heard, mn04_embedding = published.hear(Mn04Spectrogram()(waveform))
    mean = (own_scores[:, :521] + yamnet_scores + mn04.of_yamnet(heard)) / 3
    torch.testing.assert_close(scores, mean[:, None], atol=1e-6, rtol=1e-5)
    together = torch.cat([own_embedding, yamnet_embedding, mn04_embedding], 1)
    torch.testing.assert_close(embedding, together[:, None], atol=1e-5, rtol=1e-5)


def test_a_file_that_is_none_of_those_it_is_made_of_is_named(here: Path, shared_teachers: Path) -> None:
    other = shared_teachers / "audioset_527_labels.csv"
    with pytest.raises(BundleError) as raised:
        adding.add("house12+ears", [shared_teachers / MN04.file, other])
    assert re.fullmatch(
        rf"{other}: its sha256 is [0-9a-f]{{64}}, but house12\+ears is made of yamnet_spectra_in\.tflite "
        rf"\(sha256 {YAMNET.sha256}\) or mn04_as_mAP_432\.pt \(sha256 {MN04.sha256}\)",
        str(raised.value),
    )
    assert not here.exists()


def test_the_file_that_is_not_given_is_downloaded(
    here: Path, shared_teachers: Path, run: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = replace(MN04, url=f"http://nowhere.invalid/{MN04.file}")
    monkeypatch.setitem(ADDABLE, "ears", Addable("house12+ears", "hears", (YAMNET, nowhere)))
    status, out, err = run("models", "add", "ears", "--file", shared_teachers / YAMNET.file)
    assert (status, out) == (1, "")
    assert err.startswith(f"earmark: http://nowhere.invalid/{MN04.file}: cannot be reached: ")
    assert err.endswith(f"; if you have {MN04.file} from elsewhere, give it with --file\n")
    assert err.count("\n") == 1
    assert added() == {}
    assert left(here) == [".downloads"]


@pytest.mark.slow
def test_three_ears_in_one_file_hear_the_examples(
    here: Path, shared_teachers: Path, tmp_path: Path, run: Callable[..., tuple[int, str, str]]
) -> None:
    files = [argument for source in (YAMNET, MN04) for argument in ("--file", shared_teachers / source.file)]
    assert run("models", "add", "ears", *files) == (0, f"written: {here / 'house12+ears'}\n", "")
    model = Model.open("best")
    model.verify()
    heard = model.hear(decode(EXAMPLE, model.config.sample_rate))
    assert heard.timeline.top(1)[0][0] == "Techno / Tech House"
    own = Model.open("house12").hear(decode(EXAMPLE, model.config.sample_rate))
    assert heard.embedding.shape == (len(own.embedding) + 1024 + 384,)
    assert np.abs(heard.timeline.mean() - own.timeline.mean()).max() < 0.2  # it learned from the other two
    status, out, err = run("listen", "--model", "best", "--json", EXAMPLE)
    assert (status, json.loads(out)[0]["model"], err) == (0, "house12+ears", "earmark: heard with house12+ears\n")
    exported = export(model.folder, tmp_path / "ears.onnx")
    assert 25_000_000 < exported.size < 40_000_000


def test_best_is_the_strongest_model_that_is_there(here: Path) -> None:
    assert (strongest(), locate("best")) == ("house12", shipped()["house12"])
    ears = tiny_bundle(here / "house12+ears")
    assert (strongest(), locate("best")) == ("house12+ears", ears)
    assert Model.open("best").config.name == "house12+ears"
    own = tiny_bundle(here / "best")  # a model of the user's of this name is that
    assert locate("best") == own


def test_listen_says_which_model_heard_where_there_is_a_stronger_one(
    here: Path, run: Callable[..., tuple[int, str, str]]
) -> None:
    listen = ("listen", "--brief", EXAMPLE)
    assert run(*listen)[2] == ""
    assert run(*listen, "--model", "best")[2] == "earmark: heard with house12\n"
    tiny_bundle(here / "house12+ears")
    status, _, err = run(*listen)
    assert status == 0
    assert err == "earmark: heard with house12; house12+ears is here too, and hears with more ears: --model best\n"
    assert run(*listen, "--model", "best")[2] == "earmark: heard with house12+ears\n"
    assert run(*listen, "--model", here / "house12+ears")[2] == ""


def test_offline_the_command_says_what_to_do(
    server: Server, here: Path, run: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = replace(YAMNET, url="http://nowhere.invalid/yamnet_spectra_in.tflite")
    monkeypatch.setitem(ADDABLE, "yamnet", Addable("yamnet", "hears", (nowhere,)))
    status, out, err = run("models", "add", "yamnet")
    assert (status, out) == (1, "")
    assert err.startswith("earmark: http://nowhere.invalid/yamnet_spectra_in.tflite: cannot be reached: ")
    assert err.endswith("; if you have yamnet_spectra_in.tflite from elsewhere, give it with --file\n")
    assert err.count("\n") == 1
    assert added() == {}
    assert server.ranges == []
    assert left(here) == [".downloads"]


def test_a_file_at_hand_must_be_the_right_one(
    here: Path, tmp_path: Path, run: Callable[..., tuple[int, str, str]]
) -> None:
    other = tmp_path / "other.tflite"
    other.write_bytes(CONTENT)
    status, out, err = run("models", "add", "yamnet", "--file", other)
    assert (status, out) == (1, "")
    assert err.startswith(f"earmark: {other}: its sha256 is ")
    assert err.endswith(f", but yamnet is made of {YAMNET.file} (sha256 {YAMNET.sha256})\n")
    assert not here.exists()


def test_models_says_what_can_be_added(here: Path, run: Callable[..., tuple[int, str, str]]) -> None:
    status, out, err = run("models")
    assert (status, "house12" in out, added()) == (0, True, {})
    assert [line.partition(": ")[0] for line in err.splitlines()] == [f"earmark models add {name}" for name in ADDABLE]
    assert not here.exists()


def test_a_damaged_model_does_not_hide_the_others(here: Path, run: Callable[..., tuple[int, str, str]]) -> None:
    tiny_bundle(here / "good")
    bad = tiny_bundle(here / "bad")
    (bad / CONFIG).write_text("no JSON", encoding="utf-8")
    status, out, err = run("models")
    assert status == 1
    assert {"good", "house12"} <= {line.split()[0] for line in out.splitlines() if line.strip()}
    assert f"earmark: {bad / CONFIG}: not JSON: " in err


def test_errors_of_downloads_are_errors_of_earmark() -> None:
    error = DownloadError("http://a", "b")
    assert isinstance(error, EarmarkError)
    assert (error.url, error.reason, str(error)) == ("http://a", "b", "http://a: b")
