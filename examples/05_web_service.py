"""Threads in a web service: one Restorer for all of them.

POST a picture's bytes and its mask's, one after the other, with the picture's length in the header
X-Image-Length; the answer is a file of the same format. Here a client sends four requests at once.
"""

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import Request, urlopen

from PIL import Image

from inpaint_sdk import InpaintError, Restorer

IMAGES = Path(__file__).parent / "images"

restorer = Restorer.load("photo")  # once, when the service starts


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        length = int(self.headers["X-Image-Length"])
        try:
            restored = restorer(body[:length], body[length:])  # bytes in, bytes out
        except InpaintError as error:
            self.send_error(400, explain=str(error))
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(restored)

    def log_message(self, *_: object) -> None:
        pass


def ask(address: str) -> tuple[int, int]:
    image = (IMAGES / "chelsea.png").read_bytes()
    mask = (IMAGES / "chelsea_mask.png").read_bytes()
    request = Request(address, image + mask, {"X-Image-Length": str(len(image))})
    with urlopen(request) as answer:
        return Image.open(io.BytesIO(answer.read())).size


def main() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        with ThreadPoolExecutor(4) as clients:
            sizes = list(clients.map(ask, [address] * 4))
        print(f"{len(sizes)} answers, each {sizes[0][0]}x{sizes[0][1]}")
        server.shutdown()


if __name__ == "__main__":
    main()
