"""Mutated command lines: exit code 0, 1 or 2, an error that is told, and no traceback.

``python -m hardening.test_command_lines COUNT SEED FOLDER`` in ``tests`` tries so many.
"""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from collections import Counter
from pathlib import Path
from stat import S_ISDIR
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

pytest.importorskip("av")
pytest.importorskip("onnx")
pytest.importorskip("ray")
pytest.importorskip("uvicorn")

import inpaint_sdk.cli.ray
import inpaint_sdk.server.run
from hardening.fuzzing import attempts, main
from hardening.hostile_models import described, harmless
from hardening.processes import run_alone
from hardening.test_videos import SIZE, make_clip
from inpaint_sdk import BackendError, ModelError, Restorer
from inpaint_sdk.cli.main import main as program
from inpaint_sdk.files import FORMATS
from inpaint_sdk.media.reading import open_container
from support.detector import scratched, write_detector

COUNT = 200

SEEDS = [
    line.split()
    for line in (
        "restore image.png --mask mask.png -o out.png",
        "restore image.png --detector detector.onnx -o out.jpg",
        "restore pictures --mask mask.png --model model.onnx -o out",
        "restore pictures --detector detector.onnx --ray local --workers 1 -o out",
        "restore pages.tif --page 2 --model model.onnx -o out.tif",
        "read image.png",
        "read mask.png broken.png image.png --json --beam 4",
        "detect image.png --detector detector.onnx --overlay -o out.png",
        "detect pictures --detector detector.onnx --kinds damage -o out",
        "video clip.mp4 out.mp4 --mask clip-mask.png --model model.onnx",
        "video clip.mp4 out.mkv --detector detector.onnx --damage static",
        "serve --model photo --detector detector.onnx --port 0",
        "compile photo --backend tensorrt_rtx --target sm_87 -o out.engine",
        "cache list",
        "cache clear",
        "gstreamer",
        "models",
        "-v doctor",
    )
]

FILES = (
    *("image.png", "mask.png", "pages.tif", "pictures", "masks", "clip.mp4", "clip-mask.png"),
    *("model.onnx", "detector.onnx", "broken.png", "dangling.png", "ring.png", "photo", "auto"),
    *("out.png", "out.jpg", "out.tif", "out.mp4", "out", "out.engine", "there/is/none.png"),
    *("", ".", "/", "/dev/null", "/dev/full", "mask.png/inside.png", "pictures/../image.png"),
)

ODD = (
    *(
        "",
        "-",
        "--",
        "-x",
        "--help",
        "0",
        "-1",
        "1",
        "2",
        "16",
        "0.5",
        "1.5",
        "nan",
        "inf",
        "1e999",
    ),
    *(
        "100000000000000000000",
        "9" * 4400,
        "x" * 300,
        "x" * 5000,
        "\u00e9\u6f22",
        "a\nb",
        "\x1b[31m",
    ),
    *("a,b", ",", "damage", "damage,damage", "64x64", "4x64x64", "0x0", "libx264", "ultrafast"),
    *("cuda:99", "onnxruntime-cpu", "256.256.256.256", "a..b", "127.0.0.1", "::1", "sm_0", "local"),
    os.fsdecode(b"\xff\xfe.png"),  # as an argument that is no UTF-8 comes in
)


def options(command: click.Command) -> list[tuple[str, bool]]:
    """Those of a command and its own commands, and whether a value follows."""
    found = [
        (name, not parameter.is_flag)
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in parameter.opts + parameter.secondary_opts
    ]
    for inner in getattr(command, "commands", {}).values():
        found += options(inner)
    return found


def write_files(folder: Path) -> None:
    """All that the commands above name."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
    mask = np.zeros((48, 64), np.uint8)
    mask[8:20, 20:40] = 255
    for name in ("pictures", "masks"):
        (folder / name).mkdir(parents=True)
    for name in ("image.png", "pictures/a.png", "pictures/b.jpg"):
        Image.fromarray(scratched(pixels, mask)).save(folder / name)
    for name in ("mask.png", "masks/a.png", "masks/b.png"):
        Image.fromarray(mask).save(folder / name)
    Image.fromarray(mask).crop((0, 0, *SIZE)).save(folder / "clip-mask.png")
    page = Image.fromarray(pixels)
    page.save(folder / "pages.tif", save_all=True, append_images=[page])
    make_clip(folder / "clip.mp4", "libx264", "yuv420p", "aac")
    (folder / "model.onnx").write_bytes(described(harmless()))
    write_detector(folder / "detector.onnx")
    (folder / "broken.png").write_bytes((folder / "image.png").read_bytes()[:200])
    (folder / "dangling.png").symlink_to("nowhere.png")
    (folder / "ring.png").symlink_to("ring.png")


def mutated(words: list[str], rng: np.random.Generator) -> list[str]:
    """With values, options and words changed, added, doubled or missing."""

    def one_of(choices: Any) -> Any:
        return choices[int(rng.integers(len(choices)))]

    def value() -> str:
        return str(one_of(FILES if rng.random() < 0.5 else ODD))

    own = next((program.commands[word] for word in words if word in program.commands), program)
    made = list(words)
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(1, len(made) + 1))
        match int(rng.choice(6, p=[0.35, 0.4, 0.1, 0.05, 0.05, 0.05])):
            case 0:
                values = [i for i, word in enumerate(made) if i and not word.startswith("-")]
                if values:
                    made[one_of(values)] = value()
            case 1:  # of the command's own options
                name, has_value = one_of(options(own) or options(program))
                made += [name, value()] if has_value else [name]
            case 2:
                name, _ = one_of(options(program))
                made.insert(at, f"{name}={value()}")
            case 3:
                made.insert(at, value())
            case 4:
                made.insert(at, one_of(made))
            case 5:
                del made[at - 1]
                made = made or ["models"]
    return made


def attempt(words: list[str]) -> str:
    """What became of a command line in the working folder; raises what it should not end with."""
    before = files_in(Path())
    run = CliRunner().invoke(program, words, prog_name="inpaint-sdk")
    command = next((word for word in words if word in program.commands), "")
    if not isinstance(run.exception, (SystemExit, type(None))):
        print(words, file=sys.stderr)
        raise run.exception
    assert run.exit_code in (0, 1, 2), f"{words} ended with {run.exit_code}"
    assert "Traceback" not in run.output, f"{words}: {run.output}"
    told = run.exit_code == 0 or "Error: " in run.output or "Usage: " in run.output
    assert told, f"{words} ended with {run.exit_code}: {run.output}"
    check_files(words, run.exit_code, before, files_in(Path()))
    return f"{command} {run.exit_code}".strip()


State = dict[Path, tuple[object, ...]]


def files_in(folder: Path) -> State:
    """What tells each file from one that is written anew; of folders, that they are there."""
    found: State = {}
    for path in folder.rglob("*"):
        stat = path.lstat()
        is_folder = S_ISDIR(stat.st_mode)
        found[path] = () if is_folder else (stat.st_ino, stat.st_mtime_ns, stat.st_mode)
    return found


def check_files(words: list[str], exit_code: int, before: State, after: State) -> None:
    """No file is lost, left behind or half-written, and no input is replaced unasked."""
    written = {path for path, state in after.items() if state and before.get(path) != state}
    lost = before.keys() - after.keys()
    assert not lost, f"{words} removed {lost}"
    hidden = {path for path in written if path.name.startswith(".")}
    assert not hidden, f"{words} left {hidden}"
    # Of a folder that is worked on some pictures may be written, and others not.
    whole = exit_code == 0 or (exit_code == 1 and any(map(os.path.isdir, words)))
    assert whole or not written, f"{words} ended with {exit_code} and wrote {written}"
    if "--overwrite-input" not in words:
        replaced = [path for path in written & before.keys() if path in inputs(words, before)]
        assert not replaced, f"{words} replaced {replaced}"
    for path in written:
        check_whole(path)


def inputs(words: list[str], files: State) -> set[Path]:
    """Files that a command line reads, as far as its words say."""
    is_output = [word in ("-o", "--output") for word in ["", *words]]
    named = [word for word, skip in zip(words, is_output, strict=False) if not skip]
    if "video" in named:  # whose output stands after its source
        named = [word for word in named if named.count(word) > 1]
    read = set(map(os.path.realpath, named))  # of a folder, what is right in it
    return {path for path in files if {*map(os.path.realpath, (path, path.parent))} & read}


def check_whole(path: Path) -> None:
    """Raises what tells of a picture or a video that cannot be read."""
    if path.suffix in FORMATS:
        with Image.open(path) as image:
            image.load()
    elif path.suffix in (".mp4", ".mkv"):
        with open_container(path, "r") as container:
            assert any(True for _ in container.decode(video=0)), f"{path} has no frames"


def fuzz(count: int, seed: int, folder: Path) -> Counter[str]:
    """Tries so many command lines in copies of one folder; counts how they ended."""
    # Nothing is served, shown or sent to a cluster.
    inpaint_sdk.server.run.uvicorn.Server.run = lambda *_: None  # type: ignore[method-assign]
    click.launch = lambda *_, **__: 0
    os.environ["BROWSER"] = "true"

    def no_cluster(address: str) -> None:
        raise BackendError(f"there is no cluster {address}")

    inpaint_sdk.cli.ray.connected = no_cluster  # type: ignore[assignment]
    warnings.simplefilter("ignore")
    whole, work = folder / "whole", folder / "work"
    shutil.rmtree(whole, ignore_errors=True)
    write_files(whole)
    os.environ["INPAINT_SDK_CACHE"] = str(folder / "cache")

    given: State = {}

    def run(words: list[str]) -> str:
        nonlocal given
        if not given or files_in(Path()) != given:
            os.chdir(folder)
            shutil.rmtree(work, ignore_errors=True)
            shutil.copytree(whole, work, symlinks=True)
            os.chdir(work)
            given = files_in(Path())
        return attempt(words)

    for words in SEEDS:  # what they import is no input's time
        run(words)
    return attempts(
        count, seed, lambda _, rng: run(mutated(SEEDS[int(rng.integers(len(SEEDS)))], rng))
    )


def test_mutated_command_lines(tmp_path: Path) -> None:
    """In a process of its own, whose working folder they change."""
    told = run_alone([sys.executable, __file__, str(COUNT), "0", str(tmp_path)])
    for became in ("restore 0", "detect 1", "video 2", "compile 1"):
        assert became in told


LONG = "x" * 300
"""A name that no file can have."""


@pytest.mark.parametrize(
    "words",
    [
        ["restore", LONG, "-o", "out.png"],
        ["restore", "image.png", "--model", LONG, "-o", "out.png"],
        ["restore", "image.png", "--detector", LONG, "-o", "out.png"],
        ["detect", "image.png", "-o", f"{LONG}.png"],
        ["video", "clip.mp4", "out.mp4", "--model", "model.onnx", "--mask-video", LONG],
    ],
)
def test_what_was_found(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert attempt(words) == f"{words[0]} 1"


@pytest.mark.parametrize("given", [LONG, Path(LONG)])
def test_a_model_of_an_impossible_name(given: str | Path) -> None:
    with pytest.raises(ModelError, match="too long"):
        Restorer.load(given)


if __name__ == "__main__":
    main(fuzz)
