"""The frame around the pages. Streamlit runs this file for every view."""

import streamlit as st

st.set_page_config(page_title="Pathology explorer", page_icon="🔬", layout="wide")
page = st.navigation([st.Page("pages/library.py", title="Library", default=True)])
page.run()
