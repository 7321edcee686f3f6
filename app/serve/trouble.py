"""The one error of a start that a person can mend."""


class CannotStart(Exception):
    """Redress cannot run like this. The text is for the person who started it: what is wrong, and what to do."""
