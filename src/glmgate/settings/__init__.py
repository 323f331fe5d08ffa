"""Settings: the only reader of the settings file, the environment and flags. Flags win over environment over file.

What each setting means stands where it is used (`*/settings.py`); here they are found, checked and put together.
"""

from glmgate.settings.declared import Setting as Setting
from glmgate.settings.declared import declared as declared
from glmgate.settings.load import Settings as Settings
from glmgate.settings.load import load as load
from glmgate.settings.load import variable as variable
from glmgate.settings.load import with_models as with_models
from glmgate.settings.upstreams import UpstreamSettings as UpstreamSettings
