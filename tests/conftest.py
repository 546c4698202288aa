"""What all tests share."""

from hypothesis import settings

# A time limit per example would measure how busy the machine is; pytest-timeout bounds each whole test.
settings.register_profile("gridhive", deadline=None)
settings.load_profile("gridhive")
