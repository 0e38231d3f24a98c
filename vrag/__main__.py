"""`python -m vrag`."""

from vrag.cli import main

if __name__ == "__main__":
    main()
