"""What stands in a file's place where the file itself was not downloaded, by how it begins."""

from __future__ import annotations

_LFS = b"version https://git-lfs"
_PAGES = (b"<!doctype html", b"<html")


def stand_in(head: bytes) -> str | None:
    """Returns what stands in for a file, and how to get the file; None for any other content.

    Args:
        head: Its first bytes, 64 of them or more.

    Returns:
        "it is ...; ...", to end a sentence.
    """
    return lfs_pointer(head) or web_page(head)


def lfs_pointer(head: bytes) -> str | None:
    """Returns the same of a pointer of Git LFS alone."""
    if not head.startswith(_LFS):
        return None
    return (
        "it is a pointer of Git LFS to a file that was not downloaded; run `git lfs pull` in its"
        " repository"
    )


def web_page(head: bytes) -> str | None:
    """Returns the same of a web page alone."""
    if not head[:64].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGES):
        return None
    return "it is a web page, as a download leaves that did not get its file; get the file"
