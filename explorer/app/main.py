"""The frame around the pages. Streamlit runs this file for every view."""

from . import frame

frame.run()
