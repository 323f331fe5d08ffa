"""`python -m glmgate` is the same program as `glmgate`.

Nothing else lives here: commands belong to `cli`.
"""

from glmgate.cli.main import main

if __name__ == "__main__":
    main()
