"""Run the command line as ``python -m fixlip_widgets``."""

import sys

from fixlip_widgets.cli import main

if __name__ == "__main__":
    sys.exit(main())
