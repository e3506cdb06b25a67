"""How fast a store is built from S3, against the same files on the local disk, near and 20 ms away.

The server is moto in a process of its own on the same cores, so that it takes some of what it serves: a lower bound.
2,000 grey images of 64 x 64 px. One request a file; ``near``: as fast as the server answers; ``far``: each answer waits
20 ms more. ``one by one``: the far server read by one thread, the first 200 files.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

FAR = 0.02


def serve() -> None:
    """Print two ports, of the same objects near and far, and answer S3 requests until killed."""
    import logging
    import threading

    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto: Any = DomainDispatcherApplication(create_backend_app)

    def far(environ: dict[str, Any], start: Any) -> Any:
        time.sleep(FAR)
        return moto(environ, start)

    servers = [make_server("127.0.0.1", 0, application, threaded=True) for application in (moto, far)]
    threading.Thread(target=servers[1].serve_forever, daemon=True).start()
    sys.stdout.write(" ".join(str(server.server_port) for server in servers) + "\n")
    sys.stdout.flush()
    servers[0].serve_forever()


def build_from(reference: str, cache: Path, threads: int | None = None, limit: int | None = None) -> float:
    """Images a second of a store built from nothing, listing included."""
    from vesalius.data import fetching, store
    from vesalius.data.references import resolve

    if threads is not None:
        fetching.ahead.__defaults__ = (threads,)
    begin = time.perf_counter()
    table = resolve(reference)
    built = store.build(table if limit is None else table.subset(range(limit)), cache=cache)
    assert not built.left_out
    return len(built) / (time.perf_counter() - begin)


def from_servers(folder: Path) -> tuple[float, float, float]:
    """As ``build_from``, of a copy of ``folder`` on S3: near, far, and far with one request at a time."""
    import s3fs

    def through(port: str, name: str, **options: Any) -> float:
        os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{port}"
        s3fs.S3FileSystem.clear_instance_cache()
        return build_from("s3://ward/set", folder.parent / name, **options)

    with subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            near, far = server.stdout.readline().split()
            fs = s3fs.S3FileSystem(use_listings_cache=False, endpoint_url=f"http://127.0.0.1:{near}")
            fs.mkdir("ward")
            fs.pipe({f"ward/set/{file.relative_to(folder).as_posix()}": file.read_bytes() for file in folder.rglob("*.png")})
            return through(near, "near"), through(far, "far"), through(far, "alone", threads=1, limit=200)
        finally:
            server.kill()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--serve", action="store_true")
    options = parser.parse_args()
    if options.serve:
        serve()
        return
    import numpy as np
    from PIL import Image

    os.environ |= {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
    with tempfile.TemporaryDirectory() as name:
        os.environ["VESALIUS_CACHE"] = f"{name}/key"
        folder, rng = Path(name) / "images", np.random.default_rng(0)
        for i in range(options.images):
            file = folder / f"{i % 10}" / f"{i:06d}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (64, 64), dtype=np.uint8)).save(file)
        build_from(str(folder), Path(name) / "warm")
        local = build_from(str(folder), Path(name) / "local")
        near, far, alone = from_servers(folder)
    for what, ours, peer in (
        ("S3 near, against the local disk", near, local),
        ("S3 20 ms away, against near", far, near),
        ("S3 20 ms away, against one file after the other", far, alone),
    ):
        line = {"name": f"store from {what}", "ours": round(ours), "peer": round(peer), "ratio": round(ours / peer, 2), "unit": "images/s"}
        line["setting"] = f"{options.images:,} images of 64 px, moto on the same {len(os.sched_getaffinity(0))} cores"
        sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
