"""`python -m octo`, the same as `octo`."""

from octo.cli import main

if __name__ == "__main__":
    main()
