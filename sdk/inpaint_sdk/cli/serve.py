"""``inpaint-sdk serve``: the page and the API."""

from __future__ import annotations

import secrets
import webbrowser

import click

from inpaint_sdk.cli.options import Loading, with_detector, with_loading
from inpaint_sdk.errors import BackendError
from inpaint_sdk.options import Options

ANYWHERE = ("0.0.0.0", "::")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8000, show_default=True)
@click.option(
    "--token",
    envvar="INPAINT_SDK_TOKEN",
    help="That requests have to bring, of 16 characters at least; better given by the environment, "
    "as INPAINT_SDK_TOKEN. Empty for none, where a proxy asks who comes.  [default: none on this "
    "machine alone, else one that is made up]",
)
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="Another name of this server, as behind a proxy; may be repeated.",
)
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME",
    help="Model to offer; may be repeated.  [default: all that come with the SDK]",
)
@with_detector
@with_loading
@click.option(
    "--memory-mb",
    type=int,
    default=Options().memory_mb,
    show_default=True,
    help="Most that requests may ask for.",
)
@click.option(
    "--max-mb", type=click.IntRange(1), default=128, show_default=True, help="Of a request's body."
)
@click.option(
    "--max-megapixels",
    type=click.IntRange(1),
    default=64,
    show_default=True,
    help="Of a picture; known before it is decoded.",
)
@click.option(
    "--queue",
    type=click.IntRange(0),
    default=8,
    show_default=True,
    help="Requests that may wait while one is worked on.",
)
@click.option(
    "--max-wait",
    type=float,
    default=60.0,
    show_default=True,
    help="Seconds until one that waits is sent away.",
)
@click.option(
    "--max-work",
    type=float,
    default=300.0,
    show_default=True,
    help="Seconds that work on one picture may take.",
)
@click.option("--open", "opens", is_flag=True, help="Open the page in a browser.")
def serve(
    host: str,
    port: int,
    token: str | None,
    hosts: tuple[str, ...],
    models: tuple[str, ...],
    detector: str,
    loading: Loading,
    memory_mb: int,
    max_mb: int,
    max_megapixels: int,
    queue: int,
    max_wait: float,
    max_work: float,
    opens: bool,
) -> None:
    """Serve a page on which pictures are restored, and an API for programs.

    Pictures stay in memory and are gone afterwards. One is worked on at a time, with all cores; as
    many as --queue says wait. SIGTERM ends the server when it has answered what it took on.

    On an address that others can reach a token is needed; the page takes it from the address that
    is printed, programs send it in the header Authorization: Bearer TOKEN.

    It needs the extra: pip install 'inpaint-sdk[serve]'
    """
    try:
        from inpaint_sdk.server import run, settings
        from inpaint_sdk.server.jobs import WatchedPool
    except ImportError as error:
        raise BackendError(
            f"serve needs FastAPI and others ({error}). Install them: "
            "pip install 'inpaint-sdk[serve]'"
        ) from error

    if not settings.is_loopback(host):
        token = token or None
    if token is None and (hosts or not settings.is_loopback(host)):
        token = secrets.token_urlsafe(24)
    chosen = settings.Settings(
        models=models or settings.restoring_models(),
        detector=detector,
        token=token or None,
        hosts=frozenset(name.lower() for name in hosts),
        max_bytes=max_mb << 20,
        max_pixels=max_megapixels * 1_000_000,
        memory_mb=memory_mb,
        queue=queue,
        max_wait=max_wait,
        max_work=max_work,
    )

    def announce(port: int) -> None:
        name = "localhost" if host in ANYWHERE else f"[{host}]" if ":" in host else host
        url = f"http://{name}:{port}/" + (f"#token={token}" if token else "")
        click.echo(f"inpaint-sdk is at {url}")
        if opens:
            webbrowser.open(url)

    run.serve(chosen, WatchedPool(**loading), host, port, announce)
