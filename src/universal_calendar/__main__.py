"""Entry of `universal-calendar` and `python -m universal_calendar`."""

from universal_calendar.cli.app import main

if __name__ == "__main__":
    main()
