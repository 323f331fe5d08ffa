"""The project's own commands for set-up and checks; standard library only, never shipped."""
