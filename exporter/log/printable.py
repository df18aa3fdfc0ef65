"""Text of others for a terminal: what would move the cursor, ring, hide or turn letters round is written out."""


def printable(text: str) -> str:
    r"""Return *text* as one line of letters that can be seen; any other one becomes its ``\x1b``, also a line's end."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
