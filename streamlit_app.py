"""The app of a checkout: ``streamlit run streamlit_app.py``. The same as ``explorer app``."""

import streamlit as st

from explorer.app import server

app = st.App(server.MAIN, **server.parts(st.get_option("server.baseUrlPath") or ""))
