"""Configurations as the cases need them: loaded once per environment, used by one case at a time."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from octo.config.documents import Config

Load = Callable[[Path, Mapping[str, str]], Config]
"""Reads and checks a configuration in an environment; raises `ConfigError`. May be called from any thread."""

_Key = tuple[Path, tuple[tuple[str, str], ...]]


class Configs:
    """Loads configurations and lends each to one case at a time.

    Building a generation fills the sockets in the settings of its configuration, so two cases that run at the same
    time need two copies. load: called under a lock, once per environment, and again only if cases run in parallel.
    """

    def __init__(self, load: Load) -> None:
        self._load = load
        self._free: dict[_Key, list[Config]] = {}
        self._lock = threading.Lock()
        self.watched: set[Path] = set()
        """The files that what was loaded so far depends on."""

    @contextmanager
    def lent(self, path: Path, env: Mapping[str, str]) -> Iterator[Config]:
        """Lend the configuration to this caller alone. Raises `ConfigError`.

        env: variables that replace those of the process.
        """
        key = (path, tuple(sorted(env.items())))
        with self._lock:
            free = self._free.setdefault(key, [])
            config = free.pop() if free else self._load(path, {**os.environ, **env})
            self.watched.update((path, *config.watched))
        try:
            yield config
        finally:
            with self._lock:
                free.append(config)
