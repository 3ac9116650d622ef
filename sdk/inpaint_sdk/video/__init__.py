"""Video files: needs the extra ``inpaint-sdk[video]``."""

from inpaint_sdk.video.restore import VideoReport, restore_video

__all__ = ["VideoReport", "restore_video"]
