"""The script that Streamlit runs for every view."""

from explorer.app import frame

frame.run()
