"""Mirroring: a server follows a store of models in object storage through a copy on this machine.

One process does, the supervisor where there is one; the servers follow the copy as they follow any folder of models.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import structlog

from service.settings import ServerSettings
from slugline import store
from slugline.errors import SluglineError
from slugline.mirror import Mirror, mirror_root

_LONGEST_PAUSE = 60.0

log = structlog.get_logger("slugline.mirroring")


def mirrored(settings: ServerSettings, url: str, cache: Path) -> ServerSettings:
    """The settings to serve, from a copy in `cache`, what is behind `url`, once that copy is there.

    Where the store does not answer, or what it holds is refused, the copy from before is served.

    Raises:
        ModelError: there is no model, and no copy from before.
        InputError: the copy cannot be made.
    """
    settings = replace(settings, models=mirror_root(cache, url), models_url=url)
    if kept := _mirror(settings).refresh_or_keep():
        log.warning("serving the copy from before", reason=str(kept))
    return settings


def _mirror(settings: ServerSettings) -> Mirror:
    return Mirror(settings.models_url, settings.models, settings.name, settings.trusted_keys)


class Follower:
    """Looks for a new version in the store from time to time, and whenever asked, in a thread that stops nobody.

    `changed` is called in that thread once another version is here. What goes wrong is said once, and tried again, at
    most a minute later.
    """

    def __init__(self, settings: ServerSettings, changed: Callable[[], object]) -> None:
        self._mirror = _mirror(settings)
        self._seconds = settings.reload_seconds
        self._changed = changed
        self._asked = threading.Event()
        self._reason = ""
        self._version = store.find(settings.models, settings.name).name
        threading.Thread(target=self._follow, name="mirror", daemon=True).start()

    def ask(self) -> None:
        """Look at once."""
        self._asked.set()

    def _follow(self) -> None:
        pause = self._seconds
        while True:
            self._asked.wait(pause or None)
            self._asked.clear()
            pause = self._seconds if self._look() else min(2 * pause, max(_LONGEST_PAUSE, self._seconds))

    def _look(self) -> bool:
        try:
            version = self._mirror.refresh()
        except SluglineError as error:
            if str(error) != self._reason:
                log.warning("the store cannot be followed, the last good version stays", reason=str(error))
            self._reason = str(error)
            return False
        if self._reason:
            log.info("the store can be followed again")
            self._reason = ""
        if version != self._version:
            self._version = version
            # The server may have stopped meanwhile, and its loop been closed.
            with suppress(RuntimeError):
                self._changed()
        return True
