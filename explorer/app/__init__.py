"""The app in the browser: Streamlit pages, our own widgets and the routes they fetch from."""
