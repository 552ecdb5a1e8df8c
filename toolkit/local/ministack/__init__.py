"""The emulator's side: ministack, started by us, with what it lacks put right.

This package runs in the emulator's own virtual environment (ministack pins botocore exactly) as
``python -m emulator`` and must not import ``toolkit``. Each module mends one service; the engine
talks to it through ordinary AWS calls and the few routes of `gateway.py`.
"""
