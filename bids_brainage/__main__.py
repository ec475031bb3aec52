"""``python -m bids_brainage`` is the BIDS App."""

import sys

from bids_brainage.cli.app_command import main

if __name__ == "__main__":
    sys.exit(main())
