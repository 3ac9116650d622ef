from __future__ import annotations

import json
import os
import re
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ctypes.util import find_library
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from inpaint_export.cli import main
from inpaint_sdk import list_models
from inpaint_sdk.models.zoo import find_model

Pixels = NDArray[np.uint8]
Write = Callable[..., Result]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Runs ``inpaint-export triton`` into the folder ``models``."""
    return lambda *models: CliRunner().invoke(
        main, ["triton", *map(str, models), "-o", str(tmp_path / "models")]
    )


def test_a_repository_has_two_models_for_each(write: Write, tmp_path: Path) -> None:
    result = write("photo", "auto")
    assert result.exit_code == 0, result.output
    files = {str(p.relative_to(tmp_path / "models")) for p in tmp_path.rglob("*") if p.is_file()}
    assert files == {
        "auto/1/model.py",
        "auto/config.pbtxt",
        "photo/1/model.py",
        "photo/config.pbtxt",
        "photo-network/1/model.onnx",
        "photo-network/config.pbtxt",
    }
    network = tmp_path / "models" / "photo-network" / "1" / "model.onnx"
    assert network.read_bytes() == find_model("photo").read_bytes()


@pytest.mark.parametrize("name", [m.name for m in list_models() if m.restores])
def test_a_network_s_tensors_are_those_of_its_file(write: Write, tmp_path: Path, name: str) -> None:
    import onnxruntime

    assert write(name).exit_code == 0
    config = (tmp_path / "models" / f"{name}-network" / "config.pbtxt").read_text()
    session = onnxruntime.InferenceSession(str(find_model(name)))
    for kind, nodes in (("input", session.get_inputs()), ("output", session.get_outputs())):
        expected = {
            node.name: [size if isinstance(size, int) else -1 for size in node.shape[1:]]
            for node in nodes
        }
        part = re.search(rf"^{kind} \[\n(.*?)^\]", config, re.DOTALL | re.MULTILINE)[1]
        told = re.findall(r'name: "(\w+)" data_type: TYPE_FP32 dims: (\[.*?\])', part)
        assert {name: json.loads(dims) for name, dims in told} == expected


def test_our_operator_s_library_is_where_the_server_sees_it(write: Write, tmp_path: Path) -> None:
    assert write("clean", "photo", "--served-from", "/models").exit_code == 0
    folder = tmp_path / "models" / "clean-network"
    assert (folder / "libinpaint_ort.so").is_file()
    library = 'op_library_filename: "/models/clean-network/libinpaint_ort.so"'
    assert library in (folder / "config.pbtxt").read_text()
    assert "model_operations" not in (folder.parent / "photo-network" / "config.pbtxt").read_text()


def test_a_model_of_one_s_own_is_brought_along(write: Write, tmp_path: Path) -> None:
    own = tmp_path / "own.onnx"
    shutil.copyfile(find_model("photo", "int8"), own)
    assert write(own).exit_code == 0
    model = tmp_path / "models" / "photo"  # as the file calls itself
    assert (model / "1" / "photo.onnx").read_bytes() == own.read_bytes()
    assert 'string_value: "photo.onnx"' in (model / "config.pbtxt").read_text()


@pytest.mark.parametrize(
    ("models", "message"),
    [
        (("none",), "no model 'none'"),
        (("damage",), "restores nothing"),
        (("photo-staged", "--precision", "int8"), "comes in"),
    ],
)
def test_what_is_refused(
    write: Write, tmp_path: Path, models: tuple[str, ...], message: str
) -> None:
    result = write("photo", *models)
    assert result.exit_code == 1
    assert message in result.output
    assert not (tmp_path / "models").exists()


def server_python() -> Path:
    """The Python that a server runs; its version of Triton does not know NumPy 2."""
    python = ROOT / "build" / "triton" / "bin" / "python"
    if not python.is_file():
        pytest.skip(
            "no Triton server: python -m venv build/triton; "
            "build/triton/bin/pip install nvidia-pytriton==0.7.0 -e ."
        )
    return python


def ask_python(python: Path, expression: str) -> str:
    program = f"import sys; from importlib.util import find_spec; print({expression})"
    run = subprocess.run([python, "-c", program], check=True, capture_output=True, text=True)
    return run.stdout.strip()


@contextmanager
def server(repository: Path, *models: str) -> Iterator[str]:
    """The address of a Triton server that has these models of a repository ready."""
    python, backends = server_python(), repository.parent / "backends"
    packages = Path(ask_python(python, "find_spec('pytriton').origin")).parents[1]
    version = ask_python(python, "'%d.%d' % sys.version_info[:2]")
    if find_library(f"python{version}") is None:
        pytest.skip(f"there is no shared library libpython{version}, which the server runs")
    home = packages / "pytriton" / "tritonserver"
    shutil.copytree(home / "backends", backends)
    stub = home / "python_backend_stubs" / version / "triton_python_backend_stub"
    shutil.copy(stub, backends / "python")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [
        str(home / "bin" / "tritonserver"),
        f"--model-repository={repository}",
        f"--backend-directory={backends}",
        "--model-control-mode=explicit",
        *(f"--load-model={name}" for name in models),
        "--http-address=127.0.0.1",
        f"--http-port={address.partition(':')[2]}",
        "--allow-grpc=false",
        "--allow-metrics=false",
    ]
    # Its Python takes the packages of the environment that comes first in PATH.
    libraries = str(packages / "nvidia_pytriton.libs")
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(python.parent), os.environ["PATH"]]),
        "LD_LIBRARY_PATH": os.pathsep.join([libraries, os.environ.get("LD_LIBRARY_PATH", "")]),
    }
    with (repository.parent / "triton.log").open("w+") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            url = f"http://{address}/v2"
            wait_until_ready(url, process, Path(log.name))
            yield url
        finally:
            process.terminate()
            process.wait(60)


def wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        with suppress(URLError):  # nobody listens yet, or the models are being loaded
            urlopen(f"{url}/health/ready").close()
            return
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)
    pytest.fail(log.read_text())


def ask(url: str, model: str, **inputs: bytes) -> tuple[bytes, str]:
    """The restored file and the plan, by the protocol's extension for binary tensors."""
    parts = [struct.pack("<I", len(data)) + data for data in inputs.values()]
    told = [
        {
            "name": name,
            "shape": [1],
            "datatype": "BYTES",
            "parameters": {"binary_data_size": len(part)},
        }
        for name, part in zip(inputs, parts, strict=True)
    ]
    head = json.dumps({"inputs": told, "parameters": {"binary_data_output": True}}).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    request = Request(f"{url}/models/{model}/infer", b"".join([head, *parts]), headers)
    with urlopen(request) as answer:
        length = int(answer.headers["Inference-Header-Content-Length"])
        found = json.loads(answer.read(length))["outputs"]
        data = {
            output["name"]: answer.read(output["parameters"]["binary_data_size"])[4:]
            for output in found
        }
    return data["RESTORED"], data["PLAN"].decode()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with the model photo."""
    server_python()
    repository = tmp_path_factory.mktemp("triton") / "models"
    command = ["triton", "photo", "-o", str(repository)]
    assert CliRunner().invoke(main, command).exit_code == 0
    with server(repository, "photo") as url:
        yield url


def jpeg(pixels: Pixels) -> bytes:
    return cv2.imencode(".jpg", pixels)[1].tobytes()


def png(pixels: Pixels) -> bytes:
    return cv2.imencode(".png", pixels)[1].tobytes()


@pytest.mark.slow
def test_a_server_gives_what_is_restored_from_file_to_file(
    served: str, tmp_path: Path, image: Pixels, mask: Pixels
) -> None:
    """By the server's own Python, whose libraries may be of other versions."""
    image, mask = (np.tile(pixels, (6, 6) + (1,) * (pixels.ndim - 2)) for pixels in (image, mask))
    (tmp_path / "image.jpg").write_bytes(jpeg(image))
    (tmp_path / "mask.png").write_bytes(png(mask))
    options = {"strategy": "resize", "memory_mb": 16}
    flags = ["--strategy", "resize", "--memory-mb", "16"]
    command = [server_python(), "-m", "inpaint_sdk", "restore", "image.jpg", "--mask", "mask.png"]
    inputs = {"PICTURE": jpeg(image), "MASK": png(mask)}
    told = {"OPTIONS": json.dumps(options).encode()}
    results = []
    for name, given, more in (("plain.jpg", [], {}), ("resized.jpg", flags, told)):
        subprocess.run([*command, "--threads", "1", "-o", name, *given], cwd=tmp_path, check=True)
        restored, plan = ask(served, "photo", **inputs, **more)
        assert restored == (tmp_path / name).read_bytes()
        assert plan.startswith("inpaint (photo)")
        results.append(restored)
    assert len({jpeg(image), *results}) == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"PICTURE": b"no picture"}, "not a picture in a known format"),
        ({"MASK": b"no mask"}, "not a picture in a known format"),
        ({"OPTIONS": b"{"}, "OPTIONS cannot be used"),
        ({"OPTIONS": b'{"speed": 3}'}, "speed"),
        ({"OPTIONS": b"[1]"}, "OPTIONS cannot be used"),
        ({"OPTIONS": b'{"strategy": "guess"}'}, "strategy is 'guess'"),
    ],
)
def test_a_server_says_why_there_is_no_picture(
    served: str, image: Pixels, mask: Pixels, inputs: dict[str, bytes], message: str
) -> None:
    good = {"PICTURE": png(image), "MASK": png(mask)}
    with pytest.raises(HTTPError) as refused:
        ask(served, "photo", **{**good, **inputs})
    assert message in json.loads(refused.value.read())["error"]
    refused.value.close()
    assert ask(served, "photo", **good)  # and it goes on


READ = """
import sys
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig
for path in sys.argv[1:]:
    config = text_format.Parse(open(path).read(), ModelConfig())
    print(config.name, config.backend, len(config.input), config.instance_group[0].count)
"""


@pytest.mark.slow
def test_configurations_are_of_triton_s_schema(write: Write, tmp_path: Path) -> None:
    """Those for backends that the wheel's server lacks, too."""
    assert write("photo", "clean", "auto", "--instances", "2").exit_code == 0
    files = sorted((tmp_path / "models").rglob("config.pbtxt"))
    command = [server_python(), "-c", READ, *files]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    assert run.stdout.splitlines() == [
        "auto python 3 2",
        "clean python 3 2",
        "clean-network onnxruntime 1 2",
        "photo python 3 2",
        "photo-network onnxruntime 2 2",
    ]
