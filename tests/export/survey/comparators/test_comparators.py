"""What all comparators have in common: cost, gradients, a training step that helps, a model file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from inpaint_export.models.cnn import PHOTO, CnnInpainter
from inpaint_export.models.declarations import declarations
from inpaint_export.onnx_export import export_model
from inpaint_export.recipes.base import Recipe
from inpaint_export.survey import COMPARATORS
from inpaint_export.survey.networks import Comparator
from inpaint_export.training.objective import Batch, Objective
from inpaint_export.training.optim import MuonAdamW, OptimConfig
from support.flops import count_multiply_adds
