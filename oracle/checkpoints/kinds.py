"""Recognises the kind of a file by its first bytes."""

import struct
import zipfile
from pathlib import Path

SAFETENSORS, TORCH, NPZ, ONNX, KERAS, HDF5 = (
    "a .safetensors file",
    "a file of torch.save",
    "an .npz archive",
    "an ONNX model",
    "a .keras archive",
    "an HDF5 file",
)
TORCHSCRIPT = "a TorchScript archive, which is a program: save the state_dict() of the module"

LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""The first bytes of a file that an old `torch.save` wrote, before it wrote zip archives."""
_MAGIC = (
    (0, b"\x89HDF\r\n\x1a\n", HDF5),
    (0, LEGACY, TORCH),
    (0, b"\x80", "a pickle, but none of torch.save: unpickling it could run anything, so it is not read"),
    (0, b"\x93NUMPY", "an .npy file, one array without a name: save named arrays with numpy.savez"),
    (0, b"GGUF", "a GGUF file"),
    (0, b"version https://git-lfs", "a pointer of Git LFS, not the file itself: run git lfs pull"),
    (0, b"\x1f\x8b", "compressed by gzip: decompress it first"),
    (0, b"<", "a page of HTML or XML"),
    (4, b"TFL3", "a LiteRT model"),
    (257, b"ustar", "a tar archive"),
)
_TABLE = b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"
"""The last bytes of the index file of a TensorFlow checkpoint."""


def kind_of(path: Path) -> str:
    """The kind of a file in words; empty for unknown kinds, such as ONNX models and truncated files."""
    with path.open("rb") as file:
        head = file.read(512)
        file.seek(-min(8, path.stat().st_size), 2)
        tail = file.read()
    # This check comes first: such a file begins with a number, which may look like any other kind.
    if len(head) > 8 and head[8:9] == b"{" and struct.unpack("<Q", head[:8])[0] < path.stat().st_size:
        return SAFETENSORS
    for at, magic, kind in _MAGIC:
        if head[at:].startswith(magic):
            return kind
    if tail == _TABLE:
        return "the index of a TensorFlow checkpoint"
    if head.startswith(b"PK"):
        return _zip_kind(path)
    return ""


def _zip_kind(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return ""
    last = {name.rpartition("/")[2] for name in names}
    if "constants.pkl" in last:
        return TORCHSCRIPT
    if "data.pkl" in last:
        return TORCH
    if "model.weights.h5" in names:
        return KERAS
    return NPZ if all(name.endswith(".npy") for name in names) else "a zip archive of something else"
