"""Finds the files of a network: a directory, or a name in the local cache of the Hugging Face hub."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import huggingface_hub
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from searchsite.inference.local import CannotLoad

Kind = Literal["vision", "text"]
KINDS: dict[str, Kind] = {"qwen3_vl": "vision", "qwen3": "text"}
NEEDED = ["*.json", "*.safetensors", "*.jinja", "*.txt"]
SAMPLES = 16
SAMPLE_BYTES = 64 * 1024


@dataclass(frozen=True)
class Checkpoint:
    """A network's files; `revision` tells their content, `kind` whether it sees pictures."""

    name: str
    path: Path
    revision: str
    kind: Kind


def find(name: str, *, download: bool) -> Checkpoint:
    """The files of a network; they come from the internet only where the operator allowed it."""
    directory = Path(name).expanduser()
    path = directory if directory.is_dir() else _from_hub(name, download)
    kind = KINDS.get(_config(name, path).get("model_type", ""))
    if kind is None:
        raise CannotLoad(f"{name} is neither a Qwen3 nor a Qwen3-VL network")
    if not list(path.glob("*.safetensors")):
        raise CannotLoad(f"{name} has no weights (*.safetensors) in {path}")
    # The hub names a snapshot's directory by its commit.
    revision = _fingerprint(path) if path == directory else path.name[:12]
    return Checkpoint(name, path, revision, kind)


def _from_hub(name: str, download: bool) -> Path:
    try:
        return Path(huggingface_hub.snapshot_download(name, local_files_only=not download, allow_patterns=NEEDED))
    except HFValidationError:
        raise CannotLoad(f"there is no directory {name}, and it is no name of the Hugging Face hub") from None
    except LocalEntryNotFoundError:
        raise CannotLoad(
            f"the weights of {name} are not on this machine: fetch them with `.venv/bin/hf download {name}`,"
            " let QWEN_DOWNLOAD=true fetch them, or name a directory that holds them"
        ) from None
    except (HfHubHTTPError, OSError) as error:
        raise CannotLoad(f"the weights of {name} could not be fetched ({type(error).__name__})") from error


def _config(name: str, path: Path) -> dict[str, Any]:
    try:
        found = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise CannotLoad(f"{name} has no readable config.json in {path}")
    return found


def _fingerprint(path: Path) -> str:
    """Short for what decides the vectors: the small files whole, of the large ones the size and samples."""
    digest = hashlib.sha256()
    for file in sorted([*path.glob("*.json"), *path.glob("*.safetensors")]):
        size = file.stat().st_size
        digest.update(f"{file.name} {size}\n".encode())
        with file.open("rb") as content:
            step = SAMPLE_BYTES if size <= SAMPLES * SAMPLE_BYTES else size // SAMPLES
            for start in range(0, size, step):
                content.seek(start)
                digest.update(content.read(SAMPLE_BYTES))
    return digest.hexdigest()[:12]
