"""``python -m basketry.cli``."""

from basketry.cli import main

if __name__ == "__main__":
    main()
