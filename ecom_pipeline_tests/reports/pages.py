"""Pages of reports as pictures: what they should look like, and how far a new rendering may differ from it.

`python -m ecom_pipeline_tests.reports.pages` renews the references after a change that was meant: look at each
picture before committing it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pypdfium2
from numpy.typing import NDArray
from PIL import Image

from ecom_pipeline.reports import render_html, render_pdf
from ecom_pipeline_tests.reports.catalogue import make_catalogue
from ecom_pipeline_tests.reports.stories import CASES

REFERENCES = Path(__file__).parent / "pages"
# (case, language): the pages that are kept, counted from one.
KEPT: dict[tuple[str, str], tuple[int, ...]] = {
    ("trouble", "fr"): (1, 2, 6),
    ("quiet", "en"): (1,),
    ("young", "fr"): (1,),
    ("half_missing", "en"): (1, 4),
    ("long_names", "fr"): (1, 6),
    ("nine_digits", "en"): (1, 3),
    ("monthly", "fr"): (1,),
    ("finance", "en"): (1,),
}
WIDTH = 500  # pixels of a page: about 60 a printed inch
TILE = 5
# Means of tiles: smoothing of letters moves a mean by less, a digit or a column in another place by more.
LIGHTNESS, COLOUR = 26, 10
MOST_TILES = 0.0003  # of a page's tiles: four of them


@dataclass(frozen=True)
class Difference:
    """How far a page is from its reference: the share of tiles that differ, and where."""

    share: float
    tiles: NDArray[np.bool_]

    def __bool__(self) -> bool:
        return self.share > MOST_TILES


def draw_pages(pdf: Path) -> Iterator[Image.Image]:
    """The PDF's pages, small."""
    with pypdfium2.PdfDocument(pdf) as document:
        for page in document:
            yield page.render(scale=(WIDTH - 0.01) / page.get_width()).to_pil().convert("RGB")


def compare_pages(new: Image.Image, reference: Image.Image) -> Difference:
    """Compare two pages tile by tile, in lightness and in colour."""
    if new.size != reference.size:
        return Difference(1.0, np.ones((1, 1), bool))
    distance = np.abs(_tile_means(new) - _tile_means(reference))
    tiles = (distance[..., 0] > LIGHTNESS) | (distance[..., 1:].max(axis=-1) > COLOUR)
    return Difference(float(tiles.mean()), tiles)


def mark_difference(new: Image.Image, difference: Difference) -> Image.Image:
    """The new page with the tiles that differ in yellow."""
    marked = new.convert("RGB")
    for row, column in np.argwhere(difference.tiles):
        corner = (int(column) * TILE, int(row) * TILE)
        tile = marked.crop((*corner, corner[0] + TILE, corner[1] + TILE))
        marked.paste(Image.blend(tile, Image.new("RGB", tile.size, "#ffd400"), 0.6), corner)
    return marked


def name_page(case: str, language: str, page: int) -> str:
    return f"{case}-{language}-{page}.png"


def _tile_means(picture: Image.Image) -> NDArray[np.float64]:
    pixels = np.asarray(picture.convert("RGB").convert("YCbCr"), dtype=np.float64)
    rows, columns = pixels.shape[0] // TILE, pixels.shape[1] // TILE
    cut = pixels[: rows * TILE, : columns * TILE]
    means: NDArray[np.float64] = cut.reshape(rows, TILE, columns, TILE, 3).mean(axis=(1, 3))
    return means


def main() -> None:
    """Draw every kept page anew."""
    catalogue = make_catalogue()
    REFERENCES.mkdir(exist_ok=True)
    for old in REFERENCES.glob("*.png"):
        old.unlink()
    for (case, language), kept in KEPT.items():
        with TemporaryDirectory() as folder:
            pdf = Path(folder) / "report.pdf"
            render_pdf(render_html(CASES[case].compute(catalogue), language), pdf)
            for number, page in enumerate(draw_pages(pdf), start=1):
                if number in kept:
                    few = page.quantize(96, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
                    few.save(REFERENCES / name_page(case, language, number), optimize=True)
        sys.stdout.write(f"{case} {language}: {len(kept)} pages\n")


if __name__ == "__main__":
    main()
