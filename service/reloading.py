"""Reloading: a new current version takes over from the old one while calls go on, or is refused and changes nothing."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from service import families
from service.settings import ServerSettings
from service.tally import Tally
from slugline import store
from slugline.errors import ModelError, ModelIncompatible, ModelUntrusted
from slugline.model import Model
from slugline.names import ScorerName

_WARM_UP = "Envoys met in the capital while troops shelled the border; a bomb went off at the station."

log = structlog.get_logger("slugline.reloading")


def load_and_warm(folder: Path, scorer: ScorerName, trusted_keys: Path | None) -> Model:
    """Load a version and use it once, so that no caller waits for what is made lazily.

    Raises:
        ModelError: as `store.load`.
    """
    model = store.load(folder, scorer, trusted_keys)
    model.scores([_WARM_UP])
    model.explain(_WARM_UP)
    return model


class Reloader:
    """Follows which version is current; `use` is called with every new model once it is loaded, verified and warm.

    `folder` is where `model`, the one in use at first, was loaded from.
    """

    def __init__(
        self, settings: ServerSettings, folder: Path, model: Model, use: Callable[[Model], None], tally: Tally
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._model = model
        self._use = use
        self._tally = tally
        self._asked = asyncio.Event()
        self._refused: Path | None = None
        self._reason = ""

    def ask(self) -> None:
        """Look at once, and try again even what was refused."""
        self._refused, self._reason = None, ""
        self._asked.set()

    async def follow(self) -> None:
        """Look for a new version from time to time, and whenever asked, until cancelled."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), self._settings.reload_seconds or None)
            self._asked.clear()
            await self._look()

    async def _look(self) -> None:
        folder = None
        try:
            folder = store.find(self._settings.models, self._settings.name)
            if folder in (self._folder, self._refused):
                return
            settings = self._settings
            model = await asyncio.to_thread(load_and_warm, folder, settings.scorer, settings.trusted_keys)
            self._check_topics(folder, model)
        except ModelError as error:
            # What is wrong stays wrong until somebody acts; once is enough to say it.
            if str(error) != self._reason:
                self._tally.series(families.RELOADS, ("refused",)).add()
                log.warning("candidate refused", reason=str(error), version=self._model.version)
            # But it may be signed meanwhile, or its key trusted, and looking for that costs next to nothing.
            self._refused, self._reason = None if isinstance(error, ModelUntrusted) else folder, str(error)
            return
        before, self._model, self._folder = self._model, model, folder
        self._use(model)
        self._refused, self._reason = None, ""
        self._tally.series(families.RELOADS, ("loaded",)).add()
        log.info("reloaded", version=model.version, before=before.version)

    def _check_topics(self, folder: Path, model: Model) -> None:
        missing = [topic for topic in self._model.topics if topic not in model.topics]
        if missing:
            raise ModelIncompatible(
                f"{folder}: lacks {', '.join(missing)}, which callers of the model in use may ask for; "
                "start the server anew to serve it"
            )
