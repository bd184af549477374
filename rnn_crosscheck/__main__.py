"""`rnn-crosscheck TARGET… [options]`: the same as `pytest properties --implementation TARGET…` in a clone."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
if (
    ROOT / "hatch_build.py"
).is_file():  # in a clone, the current directory may have modules of the same names
    sys.path.insert(0, str(ROOT))

from properties.session.command import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
