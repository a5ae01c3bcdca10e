"""`python -m relay`, and the command `relay`."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from relay.cli import relay  # noqa: PLC0415 - so that importing this module costs nothing

    relay(prog_name="relay")


if __name__ == "__main__":
    main()
