"""From a model's name or file to the policy that it is used with."""

from __future__ import annotations

import os
from typing import TypeAlias

from inpaint_sdk.backends.pool import ModelPool
from inpaint_sdk.errors import ModelError, OptionError
from inpaint_sdk.options import Clouds, check_choice
from inpaint_sdk.policies.auto import NAME, AutoPolicy
from inpaint_sdk.policies.enhance import EnhancePolicy
from inpaint_sdk.policies.inpaint import InpaintPolicy
from inpaint_sdk.policies.policy import FindDetector, Policy
from inpaint_sdk.runners.detect import DetectRunner

DETECTOR = "damage"
"""Name of the model that finds damage for all others."""

Source: TypeAlias = "str | os.PathLike[str]"


def make_policy(
    source: Source, pool: ModelPool, find_detector: FindDetector, clouds: Clouds | None
) -> Policy:
    """The policy of a model, or ``auto``; arguments and errors as ``Restorer.load`` has them."""
    automatic = isinstance(source, str) and source == NAME
    if clouds is not None:
        check_choice("clouds", clouds, Clouds)
        if not automatic:
            raise OptionError(f"clouds is for the model {NAME!r}; {source} is another")
        return EnhancePolicy(pool.get(f"cloud-{clouds}"), f"{clouds} clouds")
    if automatic:
        return AutoPolicy(pool, find_detector)
    model = pool.get(source)
    if model.info.task == "inpaint":
        return InpaintPolicy(model, find_detector)
    if model.info.task == "enhance":
        return EnhancePolicy(model)
    reads = model.info.task == "read"
    doing, loader = ("reads text", "TextReader") if reads else ("finds damage", "Detector")
    raise ModelError(
        f"the model {model.info.name!r} {doing} and restores nothing: load it with "
        f"{loader}.load, or restore with another model, like photo"
    )


def load_detector(pool: ModelPool, source: Source) -> DetectRunner:
    """The detector, loaded when it is first asked for; raises as ``ModelPool.get`` does."""
    return DetectRunner(pool.get(source))
