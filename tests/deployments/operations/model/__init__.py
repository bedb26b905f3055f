"""The model of a change's life: its one clock, the stage it plays on, the workers, what always holds."""
