"""Files that are there whole, as they were or as they shall be, whatever happens meanwhile."""

import os
import shutil
import tempfile
from pathlib import Path


def replace_content(file: Path, content: bytes) -> None:
    """Write a file beside it and put that in its place; permissions stay. Raises OSError, and then nothing has changed."""
    with tempfile.NamedTemporaryFile(dir=file.parent, prefix=f".{file.name}.", delete=False) as beside:
        try:
            beside.write(content)
            beside.flush()
            os.fsync(beside.fileno())
            Path(beside.name).chmod(0o644)
            if file.exists():
                shutil.copymode(file, beside.name)
            Path(beside.name).replace(file)
        except BaseException:
            Path(beside.name).unlink(missing_ok=True)
            raise
