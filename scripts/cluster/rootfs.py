"""Make the root folder of a container around the Python that runs this: `rootfs.py ROOTFS`.

There is Python with its standard library, the libraries of the system that it and the packages load, certificates, and
nothing else: no shell, no package manager. What is in `/usr/local/lib/python3.X/site-packages` stays, so packages are
installed there first.
"""

from __future__ import annotations

import compileall
import os
import py_compile
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

VERSION = f"python3.{sys.version_info.minor}"
LEFT_OUT = shutil.ignore_patterns(
    "__pycache__", "site-packages", "dist-packages", "config-*", "ensurepip", "idlelib", "lib2to3", "pydoc_data",
    "test", "tests", "tkinter", "_tkinter*", "turtle*", "_test*.so", "_xxtestfuzz*", "*.a", "*.exe",
)  # fmt: skip
SOURCES = {".c", ".cpp", ".h", ".pxd", ".pxi", ".pyi", ".pyx"}
CERTIFICATES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
FILES = {
    "etc/passwd": "root:x:0:0:root:/:/none\nnonroot:x:65532:65532:nonroot:/flows:/none\n",
    "etc/group": "root:x:0:\nnonroot:x:65532:\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
}


def main() -> None:
    rootfs = Path(sys.argv[1]).resolve()
    for name in ("etc/ssl/certs", "flows", "proc", "sys", "dev", "tmp", "usr/bin", "usr/lib", "usr/local/bin"):
        (rootfs / name).mkdir(parents=True, exist_ok=True)
    (rootfs / "tmp").chmod(0o1777)
    for name in ("lib", "lib64", "bin"):
        (rootfs / name).symlink_to("usr/lib" if name != "bin" else "usr/bin")
    for name, content in FILES.items():
        (rootfs / name).write_text(content)
    _copy_certificates(rootfs)
    _copy_python(rootfs)
    _slim(rootfs / "usr/local/lib")
    for library in sorted(_libraries(rootfs)):
        _copy_stripped(library, rootfs / "usr/lib" / library.name)
    _compile(rootfs)


def _copy_certificates(rootfs: Path) -> None:
    for source in CERTIFICATES:
        if Path(source).exists():
            shutil.copy(source, rootfs / "etc/ssl/certs/ca-certificates.crt")
            return
    sys.exit("this machine has no certificates of authorities; install ca-certificates")


def _copy_python(rootfs: Path) -> None:
    # The program finds its library beside itself, so it works wherever both are.
    program = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    _copy_stripped(program, rootfs / "usr/local/bin" / VERSION)
    for name in ("python3", "python"):
        (rootfs / "usr/local/bin" / name).symlink_to(VERSION)
    library = rootfs / "usr/local/lib" / VERSION
    shutil.copytree(sysconfig.get_path("stdlib"), library, ignore=LEFT_OUT, dirs_exist_ok=True, symlinks=True)


def _slim(library: Path) -> None:
    for path in library.rglob("*"):
        if path.suffix in SOURCES:
            path.unlink()
        elif path.suffix == ".so" and not path.parent.name.endswith(".libs"):  # what is patched must not be stripped
            _strip(path)


def _copy_stripped(source: Path, target: Path) -> None:
    shutil.copy(source, target)
    target.chmod(0o755)
    _strip(target)


def _strip(path: Path) -> None:
    if shutil.which("strip"):
        subprocess.run(["strip", "--strip-unneeded", str(path)], check=True)  # noqa: S603, S607


def _libraries(rootfs: Path) -> set[Path]:
    """What the programs and modules in the folder load from outside of it."""
    found: set[Path] = set()
    for path in _loaded(rootfs):
        command = ["ldd", str(path)]
        shown = subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603
        for missing in re.findall(r"(\S+) => not found", shown):
            print(f"rootfs: {path.relative_to(rootfs)} asks for {missing}, which is not here", file=sys.stderr)
        # The loader is named by an absolute path, the others after an arrow.
        found.update(Path(name) for name in re.findall(r"(?:=> |^\t)(/\S+)", shown, re.MULTILINE))
    return {library for library in found if not library.is_relative_to(rootfs)}


def _loaded(rootfs: Path) -> Iterator[Path]:
    yield rootfs / "usr/local/bin" / VERSION
    for folder, _, names in os.walk(rootfs / "usr/local/lib"):
        yield from (Path(folder, name) for name in names if re.search(r"\.so(\.\d+)*$", name))


def _compile(rootfs: Path) -> None:
    # Checked against nothing: the times of the files are not those in the image, and nobody can write there.
    compileall.compile_dir(
        rootfs / "usr/local/lib" / VERSION,
        stripdir=str(rootfs),
        prependdir="/",
        quiet=2,
        workers=0,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )


if __name__ == "__main__":
    main()
