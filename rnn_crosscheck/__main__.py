"""`rnn-crosscheck TARGET… [options]`: the same as `pytest properties --implementation TARGET…` in a clone."""

import sys

from properties.session.command import main

if __name__ == "__main__":
    sys.exit(main())
