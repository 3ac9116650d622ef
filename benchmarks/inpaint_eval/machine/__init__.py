"""The machine that figures were measured on.

Every reader takes the root folder, so that trees of files from other machines can be read too.
"""

from inpaint_eval.machine.base import Cpu, Gpu, Jetson, Machine
from inpaint_eval.machine.describe import read_machine

__all__ = ["Cpu", "Gpu", "Jetson", "Machine", "read_machine"]
