"""Settings for all tests."""

import signal

import hypothesis

# A deadline for an example is wall-clock time, which says more of the machine than of the code.
hypothesis.settings.register_profile("all", deadline=None)
hypothesis.settings.load_profile("all")

# A shell without job control starts what stands before an & with SIGINT ignored, and so would be
# every process that the tests start and then interrupt.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
