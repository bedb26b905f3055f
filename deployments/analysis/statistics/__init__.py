"""The statistics below the verdict: scatter, evidence that holds at every look, intervals that do."""
