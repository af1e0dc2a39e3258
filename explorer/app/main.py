"""The frame around the pages. Streamlit runs this file for every view."""

from explorer.app import frame

frame.run()
