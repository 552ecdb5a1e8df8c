"""Settings of all tests."""

import hypothesis

# A deadline is a wall-clock assertion, and the machine is shared.
hypothesis.settings.register_profile("no-deadline", deadline=None)
hypothesis.settings.load_profile("no-deadline")
