"""How errors are logged: by kind and place. Their own text may hold a name, a street, an e-mail or a token."""

import traceback


def kind_and_place(error: BaseException) -> str:
    """`ValueError at parse:12 < view:30`: what went wrong and where, innermost first, without a value."""
    frames = reversed(traceback.extract_tb(error.__traceback__))
    return f"{type(error).__name__} at {' < '.join(f'{frame.name}:{frame.lineno}' for frame in frames)}"
