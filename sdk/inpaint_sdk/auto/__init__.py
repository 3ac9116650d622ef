"""``Restorer.load("auto")``: looks at a picture and runs the models that it needs."""

from inpaint_sdk.auto.restorer import AutoRestorer

__all__ = ["AutoRestorer"]
