"""A fuzzer of virtkit's readers and of the whole way from an input to its pictures; ``python -m fuzzing --help``.

Every input stays within this process: no other program and no network are used.
"""
