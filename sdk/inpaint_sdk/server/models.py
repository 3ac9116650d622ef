"""The models that a server offers, each loaded once."""

from __future__ import annotations

from inpaint_sdk.detector import Detector
from inpaint_sdk.errors import OptionError
from inpaint_sdk.models.info import ModelInfo
from inpaint_sdk.policies.auto import CHOICES, choose
from inpaint_sdk.policies.auto import NAME as AUTO
from inpaint_sdk.restorer import Restorer
from inpaint_sdk.server.jobs import WatchedPool
from inpaint_sdk.server.parameters import Model
from inpaint_sdk.server.settings import Settings

AUTO_MODEL = Model(
    name=AUTO,
    task="inpaint",
    description="Looks at each picture and runs the models that it needs.",
    licence="as its models'",
    training_data="as its models'",
)

MAX_KINDS = 8
"""That fit into a byte of ``Found.planes``."""


class Models:
    """A detector and restorers over one pool. For one thread."""

    def __init__(self, settings: Settings, pool: WatchedPool) -> None:
        self._settings = settings
        self._pool = pool
        self._detector: Detector | None = None
        self._restorers: dict[str, Restorer] = {}

    @property
    def detector(self) -> Detector:
        """Finds damage."""
        if self._detector is None:
            self._detector = Detector(self._settings.detector, self._pool)
        return self._detector

    def restorer(self, name: str) -> Restorer:
        """One of those offered."""
        if name not in self._restorers:
            detector = self._settings.detector
            self._restorers[name] = Restorer(name, self._pool, detector=detector)
        return self._restorers[name]

    @property
    def any_restorer(self) -> Restorer:
        """For what does not depend on the model that restores."""
        return self.restorer(self._settings.models[0])

    def load_detector(self) -> None:
        """Loads what finds damage; raises ``OptionError`` if it tells too many kinds apart."""
        if len(self.detector.model.kinds) > MAX_KINDS:
            raise OptionError(f"the detector tells more than {MAX_KINDS} kinds of damage apart")

    def load(self, name: str) -> Model:
        """Loads all that a model offered may need, and describes it."""
        info = self.restorer(name).model
        if name != AUTO:
            return _described(info)
        for chosen in filter(None, map(choose, CHOICES)):
            self._pool.get(chosen)
        return AUTO_MODEL

    def close(self) -> None:
        """Gives back what the models take."""
        self._pool.close()


def _described(info: ModelInfo) -> Model:
    return Model(
        name=info.name,
        task=info.task,
        description=info.description,
        licence=info.licence,
        training_data=info.training_data,
    )
