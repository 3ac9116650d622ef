"""Reading video files: frames, their times, and the streams beside them. Needs PyAV."""
