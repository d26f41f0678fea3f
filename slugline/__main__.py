"""`python -m slugline` is `slugline`."""

from slugline.cli.main import main

if __name__ == "__main__":
    main()
