"""What is written down about published files, and checked before they are used."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from catalog.errors import DamagedArtefactError, MismatchedArtefactError

_CHUNK = 1 << 20


def sha256_file(path: Path) -> str:
    """Digest a file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str
        SHA-256, hexadecimal.
    """
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def checksums(folder: Path) -> dict[str, str]:
    """Digest every file of a folder.

    Parameters
    ----------
    folder : Path
        Read with its subfolders.

    Returns
    -------
    dict
        Path relative to `folder` (with ``/``) to SHA-256, sorted by path.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256_file(path) for path in files}


def verify(folder: Path, expected: Mapping[str, str]) -> None:
    """Check the files of a published version against the checksums in its manifest.

    Parameters
    ----------
    folder : Path
        The published version.
    expected : mapping
        As `checksums` gave it when the version was built.

    Raises
    ------
    DamagedArtefactError
        If a file is absent or its content changed.
    """
    for name, digest in expected.items():
        path = folder / name
        if not path.is_file():
            raise DamagedArtefactError(f"{path} is listed in the manifest and absent; publish a new version")
        found = sha256_file(path)
        if found != digest:
            raise DamagedArtefactError(
                f"{path} has changed since it was published: expected SHA-256 {digest}, found {found}; "
                "publish a new version or restore the file"
            )


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Write a JSON object, readable by people, into a folder that is not published yet.

    Parameters
    ----------
    path : Path
        The file.
    content : mapping
        Anything `json` writes; NaN is refused.
    """
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, object]:
    """Read a JSON object that onemaster wrote.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    dict
        Its content.

    Raises
    ------
    DamagedArtefactError
        If the file is absent, is not JSON or holds no object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DamagedArtefactError(f"expected a JSON object in {path}, got: {error}; publish a new version") from error
    if not isinstance(content, dict):
        raise DamagedArtefactError(f"expected a JSON object in {path}, found a {type(content).__name__}")
    return content


def require(
    manifest: Mapping[str, object], folder: Path, expected: Mapping[str, object], files: Sequence[str], remedy: str
) -> None:
    """Check that a manifest was written by, and for, this version of onemaster.

    Parameters
    ----------
    manifest : mapping
        Content of the manifest.
    folder : Path
        The published version it belongs to.
    expected : mapping
        What it must say of format and versions.
    files : sequence of str
        What its ``files`` must list with a checksum each.
    remedy : str
        What to do otherwise.

    Raises
    ------
    DamagedArtefactError
        If a file is not listed.
    MismatchedArtefactError
        If a format or version differs.
    """
    for name, value in expected.items():
        if manifest.get(name) != value:
            raise MismatchedArtefactError(
                f"expected {name} {value!r} in {folder}, found {manifest.get(name)!r}: {remedy}"
            )
    listed = manifest.get("files")
    missing = [name for name in files if not isinstance(listed, dict) or not isinstance(listed.get(name), str)]
    if missing:
        raise DamagedArtefactError(
            f"expected checksums of {', '.join(files)} in the manifest of {folder}, "
            f"found none of {', '.join(missing)}: {remedy}"
        )
