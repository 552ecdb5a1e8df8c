"""Python imports this when it starts in a task's container, and sees the task's virtual time."""

import os
import time

_real, _real_ns = time.time, time.time_ns
_offset = float(os.environ["TOOLKIT_CLOCK_OFFSET"])
_offset_ns = round(_offset * 1e9)

time.time = lambda: _real() + _offset
time.time_ns = lambda: _real_ns() + _offset_ns
