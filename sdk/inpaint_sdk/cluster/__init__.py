"""Pictures by the million, on a Ray cluster (extra ``ray``).

Examples:
    >>> import ray
    >>> from inpaint_sdk.cluster import restore_pictures
    >>> pictures = ray.data.read_binary_files("s3://scans/", include_paths=True)  # doctest: +SKIP
    >>> for row in restore_pictures(pictures, "photo").iter_rows():  # doctest: +SKIP
    ...     print(row["path"], row["error"] or row["plan"])
"""

from inpaint_sdk.cluster.folder import FolderJobs, Outcome, list_jobs, restore_jobs
from inpaint_sdk.cluster.pictures import restore_pictures
from inpaint_sdk.cluster.ray import Workers, connected

__all__ = [
    "FolderJobs",
    "Outcome",
    "Workers",
    "connected",
    "list_jobs",
    "restore_jobs",
    "restore_pictures",
]
