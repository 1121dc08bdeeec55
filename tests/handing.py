"""Hands files to a page, as a person who drops or pastes them."""

from __future__ import annotations

import base64
import mimetypes

from playwright.sync_api import Page

HAND = """([target, kinds, files]) => {
  const carrier = new DataTransfer();
  for (const [name, type, data] of files) {
    carrier.items.add(new File([Uint8Array.from(atob(data), (one) => one.charCodeAt(0))], name, { type }));
  }
  const how = { dataTransfer: carrier, clipboardData: carrier, bubbles: true, cancelable: true };
  for (const kind of kinds) {
    const event = kind === "paste" ? new ClipboardEvent(kind, how) : new DragEvent(kind, how);
    document.querySelector(target).dispatchEvent(event);
  }
}"""


def drop(page: Page, target: str, *files: tuple[str, bytes]) -> None:
    """Drag files over what the selector names, and let them go."""
    page.evaluate(HAND, [target, ["dragenter", "dragover", "drop"], _sent(files)])


def paste(page: Page, target: str, *files: tuple[str, bytes]) -> None:
    """Paste files into what the selector names."""
    page.evaluate(HAND, [target, ["paste"], _sent(files)])


def _sent(files: tuple[tuple[str, bytes], ...]) -> list[tuple[str, str, str]]:
    types = [mimetypes.guess_type(name)[0] or "" for name, _data in files]
    return [(name, of, base64.b64encode(data).decode()) for (name, data), of in zip(files, types, strict=True)]
