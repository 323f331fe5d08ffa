"""How the pages are built: Markdown through MyST, every warning an error.

No page content lives here.
"""

from glmgate import __version__

project = "glmgate"
author = "The glmgate authors"
project_copyright = author
version = release = __version__

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
nitpicky = True

html_theme = "furo"
html_title = f"glmgate {__version__}"
# The built pages say the same on every machine and load nothing from another.
html_last_updated_fmt = None
html_show_sphinx = False
