"""Which exit code each error becomes: the one table.

0 is success, 1 a fault of Slugline itself; wrong options and wrong input both give 2, as shells expect.
"""

from slugline import errors

FAULTY_INPUT = 2

EXIT_CODES: dict[type[errors.SluglineError], int] = {
    errors.InputError: FAULTY_INPUT,
    errors.ModelError: 3,
    errors.ServerUnavailable: 4,
    errors.WorkersDied: 4,
    errors.ServerRefused: 5,
    errors.CannotServe: 6,
    errors.PromotionRefused: 7,
}
"""An error has the exit code of its nearest listed ancestor."""


def exit_code_of(error: errors.SluglineError) -> int:
    """The exit code that `error` ends the command with."""
    return next((EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES), 1)
