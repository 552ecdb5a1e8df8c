"""The pages of `toolkit site`: a year at a glance, a page a schedule, a page a run."""
