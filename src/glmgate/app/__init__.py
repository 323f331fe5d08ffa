"""The whole program, built from settings and passed on: the only place where every part meets.

Nothing is decided here but who gets which part.
"""

from glmgate.app.program import App as App
from glmgate.app.program import opened as opened
from glmgate.app.reload import Reread as Reread
