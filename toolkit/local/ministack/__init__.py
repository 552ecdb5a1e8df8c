"""The emulator's side: ministack, started by us, with what it lacks put right.

This package runs in the emulator's own virtual environment (ministack pins botocore exactly) as
``python -m toolkit.local.ministack`` and imports nothing else of ``toolkit``. The engine talks to
it through ordinary AWS calls and the few routes of `entrance/gateway.py`.
"""
