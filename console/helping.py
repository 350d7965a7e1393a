"""What every command's help ends with."""


def example(*lines: str) -> str:
    """An example, its lines left as they are (which is what the backspace tells click)."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)
