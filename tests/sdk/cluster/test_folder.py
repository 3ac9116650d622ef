"""What an actor does with the files of a folder, without a cluster."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image

from inpaint_sdk import ImageError, MaskError, OptionError, OutputError
from inpaint_sdk.cli.main import main
from inpaint_sdk.cluster.folder import FileActor, FolderJobs, Places, list_jobs, tables_of

pytest.importorskip("ray.data", reason="pip install 'inpaint-sdk[ray]'")

Pixels = NDArray[np.uint8]
Rows = dict[str, dict[str, Any]]
Run = Callable[..., Rows]

SETTINGS = {"name_or_path": "photo", "threads": 1, "options": None}


@pytest.fixture
def folders(tmp_path: Path, image: Pixels, mask: Pixels, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pictures of three formats with metadata, and their masks; the current folder."""
    for name in ("in", "masks"):
        (tmp_path / name).mkdir()
    exif = Image.Exif()
    exif[0x0110] = "Camera"
    picture = Image.fromarray(image)
    picture.save(tmp_path / "in" / "a.jpg", exif=exif, dpi=(300, 300))
    picture.save(tmp_path / "in" / "b.png", exif=exif)
    picture.convert("RGBA").save(tmp_path / "in" / "c.tif")
    for name in "abc":
        cv2.imwrite(str(tmp_path / "masks" / f"{name}.bmp"), mask)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(jobs: FolderJobs, page: int | None = None) -> Rows:
    """Does them as actors would; each row by its picture's name."""
    passing = jobs.target / ".passing"
    passing.make_folder()
    actor = FileActor(SETTINGS, Places(jobs.source, jobs.target, jobs.masks, passing), page)
    rows = {row["name"]: row for table in tables_of(jobs.todo) for row in actor(table).to_pylist()}
    assert not list(Path(passing.path).iterdir()), "nothing is left beside the results"
    passing.remove_folder()
    return rows


def inodes() -> dict[str, int]:
    """The results' files; each is another when it is written again."""
    return {path.name: path.stat().st_ino for path in Path("out").iterdir()}


def test_results_are_those_of_the_command_without_a_cluster(folders: Path) -> None:
    """To the byte, with all that the files carry; also where a suffix tells of another format."""
    shutil.copy("in/a.jpg", "in/named.png")
    shutil.copy("masks/a.bmp", "masks/named.bmp")
    rows = run(list_jobs("in", "out", "masks"))
    assert {name: row["error"] for name, row in rows.items()} == dict.fromkeys(
        ["a.jpg", "b.png", "c.tif", "named.png"]
    )
    command = ["restore", "in", "--mask", "masks", "-o", "expected", "--threads", "1"]
    assert CliRunner().invoke(main, command).exit_code == 0
    for name in rows:
        assert Path("out", name).read_bytes() == Path("expected", name).read_bytes()
        assert Path("out", name).read_bytes() != Path("in", name).read_bytes()
    with Image.open("out/a.jpg") as restored:
        assert restored.getexif()[0x0110] == "Camera"


def test_a_bad_picture_is_a_row_with_its_reason(folders: Path) -> None:
    Path("in/a.jpg").write_bytes(b"damaged")
    Path("masks/b.bmp").unlink()
    rows = run(list_jobs("in", "out", "masks"))
    assert "not a picture in a known format" in rows["a.jpg"]["error"]
    assert "no mask named b" in rows["b.png"]["error"]
    assert rows["c.tif"]["error"] is None
    assert list(inodes()) == ["c.tif"]


def test_what_a_result_lacks_is_told(folders: Path) -> None:
    with Image.open("in/b.png") as page:
        page.save("in/c.tif", save_all=True, append_images=[page])
    rows = run(list_jobs("in", "out", "masks"))
    assert "page" in rows["c.tif"]["error"]
    rows = run(list_jobs("in", "out", "masks"), page=2)
    assert rows["c.tif"]["error"] is None
    assert any("further pictures" in warning for warning in rows["c.tif"]["warnings"])


def test_what_is_finished_is_not_done_again(folders: Path) -> None:
    assert len(run(list_jobs("in", "out", "masks"))) == 3
    again = list_jobs("in", "out", "masks")
    assert (again.todo, again.finished) == ((), 3)
    later = Path("out/a.jpg").stat().st_mtime_ns + 10**9
    os.utime("masks/a.bmp", ns=(later, later))
    outdated = list_jobs("in", "out", "masks")
    assert [job.name for job in outdated.todo] == ["a.jpg"]
    assert len(list_jobs("in", "out", "masks", force=True).todo) == 3


def test_the_command_needs_no_cluster_where_all_is_finished(folders: Path) -> None:
    run(list_jobs("in", "out", "masks"))
    command = ["restore", "in", "--mask", "masks", "-o", "out", "--ray", "127.0.0.1:1"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    assert "restored 0, finished before 3, failed 0" in result.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--ray", "local", "--overwrite-input"], "--overwrite-input is not for --ray"),
        (["--workers", "2"], "--workers is for --ray"),
        (["--ray", "local", "--model", "none"], "no model 'none'"),
        (["--ray", "127.0.0.1:1"], "there is no Ray cluster at 127.0.0.1:1"),
        (["--ray", "127.0.0.1:99999"], "there is no Ray cluster at 127.0.0.1:99999"),
    ],
)
def test_what_the_command_refuses(folders: Path, options: list[str], message: str) -> None:
    result = CliRunner().invoke(main, ["restore", "in", "-o", "out", *options])
    assert result.exit_code in (1, 2)
    assert message in result.output
    assert not Path("out").exists()


@pytest.mark.parametrize("force", [False, True])
def test_what_a_lost_actor_had_written_is_not_done_again(folders: Path, force: bool) -> None:
    run(list_jobs("in", "out", "masks"))
    for path in Path("out").iterdir():
        os.utime(path, (0, 0))
    jobs = list_jobs("in", "out", "masks", force=force)
    assert len(jobs.todo) == 3
    run(jobs)  # by the actor that is lost
    written = inodes()
    rows = run(jobs)
    assert all("was lost" in row["plan"] for row in rows.values())
    assert inodes() == written


def test_one_mask_serves_all(folders: Path) -> None:
    jobs = list_jobs("in", "out", "masks/a.bmp")
    assert {job.mask for job in jobs.todo} == {"a.bmp"}
    assert all(row["error"] is None for row in run(jobs).values())


def test_other_files_are_passed_over(folders: Path) -> None:
    Path("in/notes.txt").write_text("")
    Path("in/.hidden.png").write_bytes(b"")
    Path("in/deep.png").mkdir()
    jobs = list_jobs("in", "out")
    assert [job.name for job in jobs.todo] == ["a.jpg", "b.png", "c.tif"]
    assert set(jobs.passed_over) == {"notes.txt", ".hidden.png"}


def test_a_folder_that_cannot_be_written_in_is_each_picture_s_reason(folders: Path) -> None:
    jobs = list_jobs("in", "out", "masks")
    Path("out/a.jpg").mkdir(parents=True)
    row = run(jobs)["a.jpg"]
    assert row["error"].startswith("cannot write out/a.jpg")


def test_uris_are_taken(folders: Path) -> None:
    rows = run(list_jobs(f"file://{folders}/in", f"file://{folders}/out/", "masks"))
    assert [row["error"] for row in rows.values()] == [None] * 3
    assert sorted(inodes()) == ["a.jpg", "b.png", "c.tif"]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("none", "out"), ImageError, "there is no folder none"),
        (("in/a.jpg", "out"), ImageError, "there is no folder in/a.jpg"),
        (("in", "out", "none"), MaskError, "there is no file or folder none"),
        (("in", "in"), OutputError, "in is an input"),
        (("in", "./masks/../in"), OutputError, "is an input"),
        (("in", "masks", "masks"), OutputError, "masks is an input"),
        (("what://is/this", "out"), OptionError, "what://is/this cannot be opened"),
        (("circle", "out"), OptionError, "circle cannot be opened"),
    ],
)
def test_what_is_refused(
    folders: Path, arguments: tuple[str, ...], error: type[Exception], message: str
) -> None:
    (folders / "circle").symlink_to("circle")
    before = sorted(folders.rglob("*"))
    with pytest.raises(error, match=message):
        list_jobs(*arguments)
    assert sorted(folders.rglob("*")) == before
