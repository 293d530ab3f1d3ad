"""Takes the pictures of README and docs from the real pages: `python docs/pictures.py voxloop-demo [NAME …]`, after `voxloop demo`.

A page is a line of `PICTURES`. It counts as drawn when what it names is there and nothing on the page says that it waits;
for a page that has none of it, the picture is left out and said.
"""

from __future__ import annotations

import io
import shutil
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Error, sync_playwright

from voxloop.store import Project, open_project

IMAGES = Path(__file__).parent / "images"
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
WIDTH, HEIGHT = 1280, 800
PATIENCE_MS = 60_000
# Flat grounds and few colours: a palette is a third of the size, and nobody sees it.
COLOURS = 255
# Where the demo's runs, worst case and artifacts are put into an address.
Names = dict[str, str]


@dataclass(frozen=True, slots=True)
class Picture:
    """A page as it is seen: its address, and what shows that it is drawn."""

    name: str
    address: str
    ready: str
    theme: str = "dark"
    # A palette is made for what there is most of: over a scan, the few pixels of a class would lose their colour.
    flat: bool = True


# No page that tells where a machine keeps its files: nobody else's are there.
PICTURES = (
    Picture("compare", "/compare", "[data-testid=chart] canvas, [data-testid=chart] svg"),
    Picture("media", "/media", "main [data-testid=tile] img", flat=False),
    Picture("artifacts", "/artifacts/{model}?tab=lineage", "main svg [data-node], main [data-testid=lineage] svg"),
    Picture("cases", "/cases?run={run}", "[data-testid=cases] [data-case]", theme="light"),
    Picture("viewer", "/viewer?run={run}&case={case}&at={at}", "[data-testid=solid][data-state=ready]", flat=False),
)


def names_of(project: Project) -> Names:
    """What the demo made, as addresses name it."""
    run = project.run("demo")
    worst = project.cases(f'run.id == "{run.id}" and case.metric == "val/dice"', sort="case.last", limit=1)[0]
    kinds = {version.kind: version.name for version in project.artifacts()}
    case = str(worst.case)
    return {
        "run": run.id,
        "case": case,
        "at": ",".join(f"{value:.1f}" for value in middle_of(project, run.id, case)),
        "model": kinds.get("model", "none"),
        "dataset": kinds.get("dataset", "none"),
    }


def middle_of(project: Project, run_id: str, case: str) -> tuple[float, ...]:
    """The middle of what is marked in a case, in RAS millimetres."""
    import nibabel as nib
    import numpy as np

    volume = next(one for one in reversed(project.media_of(run_id, kind="volume")) if one.context.get("case") == case)
    layer = next(one for one in volume.data["layers"] if one["name"] == "truth")
    image = nib.Nifti1Image.from_bytes(_unpacked(project.blobs.get(layer["digest"])))
    marked = np.argwhere(np.asarray(image.dataobj) > 0)
    # A voxel of it that is nearest to the mean: the mean of a crescent lies outside of it.
    nearest = marked[np.argmin(((marked - marked.mean(axis=0)) ** 2).sum(axis=1))]
    return tuple(float(value) for value in (image.affine @ [*nearest, 1])[:3])


def _unpacked(content: bytes) -> bytes:
    import gzip

    return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content


def take(browser: Browser, url: str, picture: Picture, names: Names) -> str:
    """Takes one picture; answers with what there is to say of it."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, reduced_motion="reduce")
    try:
        address = picture.address.format(**names)
        page.goto(f"{url}{address}{'&' if '?' in address else '?'}theme={picture.theme}")
        page.locator(picture.ready).first.wait_for(timeout=PATIENCE_MS)
        page.wait_for_function("() => !document.querySelector('[data-testid=waiting], [data-state=loading]')")
        # Two pictures that are the same: whatever was being drawn is drawn.
        before, after = b"", page.screenshot()
        while before != after:
            page.wait_for_timeout(400)
            before, after = after, page.screenshot()
        target = IMAGES / f"{picture.name}.png"
        target.write_bytes(_small(after) if picture.flat else after)
    except Error as error:
        return f"left out: {str(error).splitlines()[0]}"
    finally:
        page.close()
    return f"{target.stat().st_size / 1000:.0f} kB"


def _small(png: bytes) -> bytes:
    out = io.BytesIO()
    flat = Image.open(io.BytesIO(png)).convert("RGB")
    flat.quantize(COLOURS, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


@contextmanager
def on_the_air(project: Project) -> Iterator[str]:
    import uvicorn

    from voxloop.server.app import create_app

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = uvicorn.Server(uvicorn.Config(create_app(project), log_level="warning"))
        serving = threading.Thread(target=server.run, args=([listener],), daemon=True)
        serving.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        serving.join(10)


def main(folder: Path, wanted: list[str]) -> None:
    unknown = sorted(set(wanted) - {picture.name for picture in PICTURES})
    if unknown:
        raise SystemExit(f"No picture is called {unknown[0]}; there are: {', '.join(one.name for one in PICTURES)}.")
    IMAGES.mkdir(exist_ok=True)
    program = next((path for name in ("chromium", "google-chrome") if (path := shutil.which(name))), None)
    with open_project(folder) as project, on_the_air(project) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        names = names_of(project)
        for picture in PICTURES:
            if not wanted or picture.name in wanted:
                print(f"{picture.name:<12}{take(browser, url, picture, names)}", flush=True)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
