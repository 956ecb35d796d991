import hashlib
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import torch  # noqa: TID253 - weights are its tensors

from napari_longiseg.core.errors import Cancelled, InputError, MissingMethodError
from napari_longiseg.models import known, registry


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def serve():
    """A server on this machine: says the URL of a file with a content; may promise more than it sends."""
    servers = []

    def start(content: bytes, promised: int = 0, status: int = 200) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status)
                self.send_header("Content-Length", str(promised or len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/small.trch"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def is_empty(folder: Path) -> bool:
    return not folder.exists() or not list(folder.iterdir())


class TestFolder:
    def test_is_what_the_environment_names(self, folder):
        assert registry.folder() == folder
        assert not folder.exists()

    def test_else_lies_in_the_users_data(self, monkeypatch, tmp_path):
        monkeypatch.delenv(registry.ENVIRONMENT, raising=False)
        assert registry.folder().parts[-2:] == ("napari-longiseg", "models")
        assert registry.folder().is_absolute()


class TestAdd:
    def test_is_a_copy_with_a_record(self, small, folder, file):
        seen = []
        entry = registry.add("small", file, lambda _, fraction: seen.append(fraction))
        assert entry.path == folder / "small.trch"
        assert entry.path.read_bytes() == file.read_bytes()
        assert entry.record.sha256 == sha256(file)
        assert entry.record.size == file.stat().st_size
        assert entry.record.origin == str(file)
        assert seen[-1] == 1.0
        assert registry.find("small") == entry.path
        assert sorted(p.name for p in folder.iterdir()) == ["small.json", "small.trch"]

    def test_refuses_another_network_and_leaves_nothing(self, small, folder, tmp_path):
        torch.save({"a": torch.zeros(3)}, tmp_path / "other.pt")
        with pytest.raises(
            InputError, match=r"other.pt does not hold weights of small: its 1 tensors with 3"
        ):
            registry.add("small", tmp_path / "other.pt")
        assert is_empty(folder)

    @pytest.mark.parametrize("wrong", ["missing", "folder", "cut off"])
    def test_refuses_what_is_no_file_of_weights(self, small, folder, file, wrong, tmp_path):
        path = {"missing": tmp_path / "no", "folder": tmp_path, "cut off": file}[wrong]
        file.write_bytes(file.read_bytes()[:100])
        with pytest.raises(InputError, match=f"{path.name} cannot be read"):
            registry.add("small", path)
        assert is_empty(folder)

    def test_does_not_replace(self, small, file):
        registry.add("small", file)
        with pytest.raises(InputError, match=r"is there already; .* `longiseg models remove small` first"):
            registry.add("small", file)

    def test_needs_a_folder_that_can_be_made(self, small, folder, file):
        folder.write_text("a file")
        with pytest.raises(InputError, match="weights cannot be written to"):
            registry.add("small", file)

    def test_unknown_names(self, small, file):
        with pytest.raises(InputError, match="no weights called 'large'; known are small"):
            registry.add("large", file)


class TestDownload:
    def test_brings_the_file_and_writes_down_what_it_is(
        self, small, serve, folder, file, monkeypatch, tmp_path
    ):
        monkeypatch.chdir(tmp_path)
        url = serve(file.read_bytes())
        entry = registry.download(small(url))
        assert entry.path.read_bytes() == file.read_bytes()
        assert (entry.record.sha256, entry.record.origin) == (sha256(file), url)
        assert {p.name for p in Path().iterdir()} == {"network.trch", "weights"}

    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            ({"content": b"gone", "status": 404}, "the server says 404"),
            ({"content": b"half", "promised": 100}, "the connection broke off"),
        ],
    )
    def test_failures_leave_nothing(self, small, serve, folder, answer, message):
        with pytest.raises(
            InputError, match=rf"could not be downloaded \({message}.*run `longiseg models add`"
        ):
            registry.download(small(serve(**answer)))
        assert is_empty(folder)

    def test_without_a_server(self, small, folder):
        with pytest.raises(InputError, match=r"could not be downloaded \(Connection refused\)"):
            registry.download(small("http://127.0.0.1:9/small.trch"))
        assert is_empty(folder)

    def test_refuses_what_is_something_else(self, small, serve, folder):
        with pytest.raises(InputError, match=r"http://.*small.trch cannot be read as network weights"):
            registry.download(small(serve(b"<html>Please log in</html>")))
        assert is_empty(folder)

    def test_cancelling_deletes_what_has_arrived(self, small, serve, folder, file):
        def progress(stage, fraction):
            if fraction > 0:
                assert [path.suffix for path in folder.iterdir()] == [".part"]
                raise Cancelled("stop")

        with pytest.raises(Cancelled, match="stop"):
            registry.download(small(serve(file.read_bytes())), progress)
        assert is_empty(folder)


class TestFind:
    def test_says_how_to_get_what_is_missing(self, small):
        with pytest.raises(
            MissingMethodError, match=r"`longiseg models download small`.*`longiseg models add small"
        ):
            registry.find("small")

    def test_notices_a_file_that_has_changed(self, small, file):
        path = registry.add("small", file).path
        path.write_bytes(b"shorter")
        with pytest.raises(InputError, match="has changed since it came"):
            registry.find("small")

    def test_takes_a_file_that_was_put_there_by_hand(self, small, folder, file):
        folder.mkdir()
        os.link(file, folder / "small.trch")
        assert registry.find("small") == folder / "small.trch"
        assert registry.entries()[0].record is None

    def test_a_damaged_record_is_no_record(self, small, folder, file):
        registry.add("small", file)
        (folder / "small.json").write_text("[]")
        assert registry.entries()[0].record is None


def test_removed_weights_are_gone(small, folder, file):
    registry.add("small", file)
    assert not registry.remove("small").is_here
    assert is_empty(folder)
    with pytest.raises(InputError, match="not here; there is nothing to remove"):
        registry.remove("small")


def test_the_known_models_have_names_and_files_of_their_own(folder):
    models = known.MODELS
    assert {model.name for model in models} >= {"unigradicon", "multigradicon", "lunggradicon"}
    assert len({model.file for model in models}) == len(models)
    assert all(model.url.startswith("https://") for model in models)
    assert [entry.is_here for entry in registry.entries()] == [False] * len(models)


def test_looking_at_the_registry_does_not_import_torch():
    code = "import sys; from napari_longiseg.models.registry import entries; entries(); "
    code += "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
