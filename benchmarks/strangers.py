"""Is what is said of every mistake of other hands still what the data say?

    python -m benchmarks.strangers [NAME ...] [--write]

Locates them all, or those whose names begin so; prints what has changed, with what their authors say, and
exits with status 1 if anything has, or makes that the data with `--write`. The tests hold some sixty.
"""

import argparse
import json
import sys
from pathlib import Path

from oracle.tests.strangers import FOLDER, STRANGERS, Stranger
from oracle.tests.strangers.located import is_as_said, located


def main() -> int:
    """Locate, compare, perhaps write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--write", action="store_true", help="make what is said now the data")
    options = parser.parse_args()
    changed = 0
    for name, stranger in STRANGERS.items():
        if not stranger.said or (options.names and not name.startswith(tuple(options.names))):
            continue
        said, calls = located(stranger)
        if is_as_said(said, stranger):
            continue
        changed += 1
        print(f"{name}\n  author  where: {stranger.where}\n          when: {stranger.when}")
        print(f"          how: {stranger.how}\n  was     {stranger.said}\n  is      {said} ({calls} calls)\n")
        if options.write:
            _write(stranger, said)
    print(f"{changed} have changed")
    return int(changed > 0 and not options.write)


def _write(stranger: Stranger, said: str) -> None:
    """Put it in the place of what was said of this one, in its file."""
    was, now = (f"said = {json.dumps(text, ensure_ascii=False)}\n" for text in (stranger.said, said))
    name = f"name = {json.dumps(stranger.name, ensure_ascii=False)}\n"
    for path in sorted(Path(FOLDER).glob("*.toml")):
        before, found, after = path.read_text(encoding="utf-8").partition(name)
        if found:
            assert was in after, stranger.name
            path.write_text(before + found + after.replace(was, now, 1), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
