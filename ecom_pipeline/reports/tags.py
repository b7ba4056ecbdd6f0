"""Completes the structure of a PDF that screen readers follow, where WeasyPrint 70 leaves it open.

WeasyPrint tags a page's margins as if they were read with the text, and links table cells to their headers by
identifiers that PDF requires a name tree for and that it does not write. Here margins become decoration, and each
header says whether it heads its column or its row, which is all that tables without merged cells need.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

_SCOPES = {"/THead": "/Column", "/TBody": "/Row"}
_DECORATION = ("/Artifact", "<</Type /Pagination>>")


def complete_tags(_document: Any, pdf: Any) -> None:
    """Mark headers with their scope and margins as decoration; WeasyPrint calls this before it writes the file."""
    objects: list[Any] = pdf.objects
    elements: dict[bytes, Any] = {
        one.reference: one for one in objects if hasattr(one, "get") and one.get("Type") == "/StructElem"
    }
    for element in elements.values():
        if element["S"] == "/TH":
            group = elements[elements[element["P"]]["P"]]
            element["A"]["Scope"] = _SCOPES[group["S"]]
            del element["ID"]
        elif element["S"] == "/TD":
            element["A"].pop("Headers", None)
    _leave_out_margins(pdf, elements)


def _leave_out_margins(pdf: Any, elements: dict[bytes, Any]) -> None:
    root = pdf.objects[_number(pdf.catalog["StructTreeRoot"])]
    read = _find_below(root["K"], elements)
    marks: defaultdict[bytes, set[int]] = defaultdict(set)  # by page
    for reference, element in elements.items():
        if reference not in read:
            marks[element["Pg"]] |= {mark for mark in element["K"] if isinstance(mark, int)}
            element.clear()
    numbers = pdf.objects[_number(root["ParentTree"])]["Nums"]
    for page, owners in zip(pdf.page_references, numbers[1::2], strict=False):
        for mark in marks[page]:
            owners[mark] = "null"
        content = pdf.objects[_number(pdf.objects[_number(page)]["Contents"])].stream
        for index, operator in enumerate(content):
            if operator == b"BDC" and content[index - 1].get("MCID") in marks[page]:
                content[index - 2 : index] = _DECORATION


def _find_below(references: Any, elements: dict[bytes, Any]) -> set[bytes]:
    """The elements that are read: those the document's tree leads to."""
    found: set[bytes] = set()
    waiting = list(references)
    while waiting:
        reference = waiting.pop()
        if reference in elements:
            found.add(reference)
            waiting += elements[reference]["K"]
    return found


def _number(reference: bytes) -> int:
    return int(reference.split()[0])
