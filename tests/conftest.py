"""Settings for all tests."""

import hypothesis

# A deadline for an example is wall-clock time, which says more of the machine than of the code.
hypothesis.settings.register_profile("all", deadline=None)
hypothesis.settings.load_profile("all")
