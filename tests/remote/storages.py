"""Servers of objects on this machine, each behind a proxy: S3 by moto, Azure by Azurite, Google's by gcp-storage-emulator."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.remote.proxy import Proxy, proxy

SECRET = "Canary/Secret+Key1234567890"
"""Stands in the environment as the credential; it must be written nowhere."""

_ACCOUNT = "devstoreaccount1"
_AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="  # published by Azurite


@dataclass(frozen=True)
class Storage:
    """``root``: the address of an empty bucket or container. ``proxy``: what reads go through. ``secret``: the credential.

    ``every``: each so-many-th request is to fail.
    """

    root: str
    proxy: Proxy
    secret: str
    fs: Any
    every: int = 5

    def upload(self, folder: Path, name: str) -> str:
        """Copy ``folder`` below the root, not through the proxy; its address."""
        base = f"{self.root.partition('://')[2]}/{name}"
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                self.fs.pipe_file(f"{base}/{file.relative_to(folder).as_posix()}", file.read_bytes())
        return f"{self.root}/{name}"

    def put(self, address: str, data: bytes) -> None:
        """Write one object, not through the proxy."""
        self.fs.pipe_file(address.partition("://")[2], data)


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    old = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in old.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def storage(kind: str, folder: Path) -> Iterator[Storage]:
    """``s3``, ``az`` or ``gs``, empty; skips, with the reason, where its server or driver is not installed."""
    with {"s3": _s3, "az": _azure, "gs": _google}[kind](folder) as made:
        yield made


@contextmanager
def _s3(folder: Path) -> Iterator[Storage]:
    server = pytest.importorskip("moto.server", reason="needs moto's server: pip install 'moto[s3]' flask flask-cors")
    s3fs = pytest.importorskip("s3fs", reason="needs s3fs: pip install 'vesalius[remote]'")
    pytest.importorskip("upath", reason="needs universal-pathlib: pip install 'vesalius[remote]'")
    behind = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    behind.start()
    host, port = behind.get_host_and_port()
    upstream = f"http://{host}:{port}"
    talk = logging.getLogger("werkzeug")
    with ExitStack() as stack:
        stack.callback(behind.stop)
        stack.callback(talk.setLevel, talk.level)
        talk.setLevel(logging.ERROR)
        front = stack.enter_context(proxy(upstream))
        stack.enter_context(
            _environment(
                AWS_ENDPOINT_URL=front.url, AWS_ACCESS_KEY_ID="AKIACANARY", AWS_SECRET_ACCESS_KEY=SECRET,
                AWS_DEFAULT_REGION="us-east-1", AWS_EC2_METADATA_DISABLED="true", AWS_MAX_ATTEMPTS="1",
            )
        )  # fmt: skip
        stack.callback(s3fs.S3FileSystem.clear_instance_cache)
        s3fs.S3FileSystem.clear_instance_cache()
        fs = s3fs.S3FileSystem(endpoint_url=upstream, use_listings_cache=False)
        fs.mkdir("ward")
        yield Storage("s3://ward", front, SECRET, fs)


@contextmanager
def _azure(folder: Path) -> Iterator[Storage]:
    adlfs = pytest.importorskip("adlfs", reason="needs adlfs: pip install 'vesalius[remote]'")
    command = os.environ.get("AZURITE") or shutil.which("azurite-blob")
    if command is None:
        pytest.skip("needs azurite-blob on the path, or its file in AZURITE: npm install azurite")
    port = _free_port()
    words = [*command.split(), "--silent", "--skipApiVersionCheck", "--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(folder)]
    with _running(words, port), proxy(f"http://127.0.0.1:{port}") as front:

        def connection(url: str) -> str:
            return f"DefaultEndpointsProtocol=http;AccountName={_ACCOUNT};AccountKey={_AZURITE_KEY};BlobEndpoint={url}/{_ACCOUNT};"

        with _environment(AZURE_STORAGE_CONNECTION_STRING=connection(front.url)):
            adlfs.AzureBlobFileSystem.clear_instance_cache()
            fs = adlfs.AzureBlobFileSystem(connection_string=connection(f"http://127.0.0.1:{port}"), use_listings_cache=False)
            fs.mkdir("ward")
            yield Storage("az://ward", front, _AZURITE_KEY, fs, every=20)  # Azure's library waits 15 seconds before it asks again
            adlfs.AzureBlobFileSystem.clear_instance_cache()


@contextmanager
def _google(folder: Path) -> Iterator[Storage]:
    os.environ["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"  # it asks by gRPC, which the emulator does not speak
    gcsfs = pytest.importorskip("gcsfs", reason="needs gcsfs: pip install 'vesalius[remote]'")
    command = shutil.which("gcp-storage-emulator") or shutil.which(str(Path(sys.executable).parent / "gcp-storage-emulator"))
    if command is None:
        pytest.skip("needs gcp-storage-emulator: pip install gcp-storage-emulator")
    port = _free_port()
    words = [command, "start", "--host", "127.0.0.1", "--port", str(port), "--in-memory"]
    with _running(words, port), proxy(f"http://127.0.0.1:{port}") as front, _environment(STORAGE_EMULATOR_HOST=front.url, GOOGLE_CLOUD_PROJECT="ward"):
        gcsfs.GCSFileSystem.clear_instance_cache()
        fs = gcsfs.GCSFileSystem(endpoint_url=f"http://127.0.0.1:{port}", token="anon", project="ward", use_listings_cache=False)
        fs.mkdir("ward")
        yield Storage("gs://ward", front, SECRET, fs)
        gcsfs.GCSFileSystem.clear_instance_cache()


@contextmanager
def _running(words: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while True:
            assert process.poll() is None, f"{words[0]} ended with {process.returncode}"
            with socket.socket() as trial:
                if trial.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert time.monotonic() < deadline, f"{words[0]} did not answer"
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(20)


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])
