"""A dataset of picture files' bytes, restored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inpaint_sdk.cluster.ray import Workers, map_by_actors
from inpaint_sdk.cluster.worker import PictureRestorer
from inpaint_sdk.errors import OptionError
from inpaint_sdk.loaded import absolute
from inpaint_sdk.options import Options, check_options
from inpaint_sdk.restorer import StrPath

if TYPE_CHECKING:
    import pyarrow
    from ray.data import Dataset

BATCH = 4
"""Pictures that an actor is given at once: they and their results are in memory together."""


def restore_pictures(
    dataset: Dataset,
    model: StrPath = "photo",
    options: Options | None = None,
    *,
    workers: Workers | None = None,
    **loading: Any,
) -> Dataset:
    """Restores a dataset of picture files by actors that load the model once.

    Nothing is done before the result is read or written, as with all of Ray Data.

    Args:
        dataset: rows with the column ``bytes``, a picture file's, as ``ray.data.read_binary_files``
            gives them, and perhaps ``mask``, those of a mask's file, or null. Others are kept.
        model: as :meth:`inpaint_sdk.Restorer.load` takes it; a file must be there on each node.
        options: how pictures are restored.
        workers: how many actors there are, and what each takes.
        loading: what else ``Restorer.load`` takes, like ``detector`` or ``precision``; but for
            ``threads``, which ``workers`` has.

    Returns:
        The rows with the results' ``bytes``, in the source's format and with its metadata, and
        three more columns: ``plan``, what was done; ``warnings``, a list of what the result lacks
        or what was wrong with the file; and ``error``. A picture that cannot be restored has its
        reason there, and null for ``bytes`` and ``plan``; of others ``error`` is null.

    Raises:
        BackendError: Ray is not installed.
        OptionError: the options are none.
    """
    check_options(options)
    workers = workers or Workers()
    settings = loader_settings(model, options, workers, loading)
    return map_by_actors(dataset, BytesActor, {"settings": settings}, BATCH, workers)


def loader_settings(
    model: StrPath, options: Options | None, workers: Workers, loading: dict[str, Any]
) -> dict[str, Any]:
    """What ``Restorer.load`` is given in each actor."""
    return dict(name_or_path=absolute(model), options=options, threads=workers.threads, **loading)


class BytesActor:
    """Restores the rows of a table."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._restorer = PictureRestorer(settings)

    def __call__(self, table: pyarrow.Table) -> pyarrow.Table:
        import pyarrow as pa

        if "bytes" not in table.column_names:
            raise OptionError(
                f"the rows have {', '.join(table.column_names)} and no column bytes; "
                "ray.data.read_binary_files gives it"
            )
        masks = table["mask"] if "mask" in table.column_names else pa.nulls(len(table))
        pairs = zip(table["bytes"], masks, strict=True)
        done = [self._restorer.restore(data.as_py(), mask.as_py()) for data, mask in pairs]
        columns = {
            "bytes": pa.array([each.data for each in done], pa.large_binary()),
            "plan": pa.array([each.plan for each in done], pa.string()),
            "warnings": pa.array([each.warnings for each in done], pa.list_(pa.string())),
            "error": pa.array([each.error for each in done], pa.string()),
        }
        kept = table.drop_columns([name for name in columns if name in table.column_names])
        for name, values in columns.items():
            kept = kept.append_column(name, values)
        return kept
