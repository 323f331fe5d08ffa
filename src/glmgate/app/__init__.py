"""The whole program, built from settings and passed on: the only place where every part meets.

Nothing is decided here but who gets which part.
"""

from glmgate.app.parent import Parent as Parent
from glmgate.app.parent import parenting as parenting
from glmgate.app.program import App as App
from glmgate.app.program import opened as opened
from glmgate.app.reload import Reread as Reread
from glmgate.app.workers import Workers as Workers
