"""Write a folder as an image that `docker load` and `ctr images import` take: `image.py NAME ROOTFS TAR ENTRYPOINT...`.

The same folder always makes the same image: times are left out. The files belong to root, which the image does not run
as, so nobody in a container can change them.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import platform
import tarfile
from pathlib import Path

NONROOT = 65532
"""The user of images without root, as elsewhere. It owns the working directory."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--workdir", default="/")
    parser.add_argument("--stop-signal", default="SIGTERM")
    parser.add_argument("name")
    parser.add_argument("rootfs", type=Path)
    parser.add_argument("tar", type=Path)
    parser.add_argument("entrypoint", nargs="*")
    options = parser.parse_args()
    layer = _layer(options.rootfs, options.workdir)
    config = {
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()],
        "os": "linux",
        "config": {
            "User": f"{NONROOT}:{NONROOT}",
            "Entrypoint": options.entrypoint,
            "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", *options.env],
            "WorkingDir": options.workdir,
            "StopSignal": options.stop_signal,
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    written = json.dumps(config).encode()
    member = f"{hashlib.sha256(written).hexdigest()}.json"
    manifest = [{"Config": member, "RepoTags": [options.name], "Layers": ["layer.tar"]}]
    # Written beside and renamed: whoever loads it must never see half of one.
    unfinished = options.tar.with_name(f"{options.tar.name}.part")
    members = {member: written, "layer.tar": layer, "manifest.json": json.dumps(manifest).encode()}
    with tarfile.open(unfinished, "w") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    unfinished.rename(options.tar)


def _layer(rootfs: Path, workdir: str) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for path in sorted(rootfs.rglob("*")):
            name = path.relative_to(rootfs).as_posix()
            entry = archive.gettarinfo(path, name)
            entry.uid = entry.gid = NONROOT if f"/{name}" == workdir else 0
            entry.uname = entry.gname = ""
            entry.mtime = 0
            if entry.isreg():
                with path.open("rb") as content:
                    archive.addfile(entry, content)
            else:
                archive.addfile(entry)
    return written.getvalue()


if __name__ == "__main__":
    main()
