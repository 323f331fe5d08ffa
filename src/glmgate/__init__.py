"""glmgate runs any OpenAI application on GLM.

Only the version lives here; importing the package must stay free of cost and of side effects.
"""

__version__ = "0.1.0"
__all__ = ["__version__"]
